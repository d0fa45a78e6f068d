"""The command `payment-flow risk train`."""

import os
import subprocess
import sys

import pytest
from flask import Flask

from app.common import db
from app.common.settings import PROJECT_ROOT, Settings
from tests import factories


def train(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on the database of the test."""
    environment = os.environ | {
        "APP_ENV": "test",
        "DATABASE_URL": db.current().engine.url.render_as_string(hide_password=False),
        "REDIS_URL": str(settings.redis_url),
        "DATA_DIR": str(settings.data_dir),
    }
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "risk", "train", *words],
        env=environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.stress
def test_it_shows_what_a_model_and_the_rules_find_in_a_generated_history(
    committing: Flask, settings: Settings
) -> None:
    printed = train(settings, "--generated")

    assert printed.returncode == 0, printed.stderr
    lines = printed.stdout.splitlines()
    assert lines[0] == "Learned from 5696 attempts, 204 of them bad."
    auc, precision = (line.split()[-2:] for line in lines[-2:])
    assert float(auc[0]) > float(auc[1]) + 0.2
    assert float(precision[0]) > float(precision[1]) + 0.2
    admin = factories.admin()
    client = committing.test_client()
    assert client.get("/api/v1/admin/risk/models", headers=admin.headers).json["data"] == []


def test_without_enough_history_it_says_so_in_one_sentence(
    committing: Flask, settings: Settings
) -> None:
    printed = train(settings)

    assert printed.returncode == 1
    assert printed.stderr.startswith("Error: At least 20 bad attempts are needed")
    assert printed.stderr.count("\n") == 1
