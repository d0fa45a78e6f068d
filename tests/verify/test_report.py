"""The command `payment-flow verify`."""

import os
import subprocess
import sys

from flask import Flask
from sqlalchemy import text

from app.common.settings import PROJECT_ROOT, Settings
from app.verify.report import INVARIANTS
from tests import servers
from tests.verify import (
    test_accounts,
    test_bank,
    test_codes,
    test_events,
    test_files,
    test_holds,
    test_images,
    test_insights,
    test_keys,
    test_ledger,
    test_licences,
    test_orders,
    test_payouts,
    test_refunds,
    test_sales,
    test_transfers,
    test_webhooks,
)
from tests.verify.books import Books, without_constraints

TOPICS = (
    test_ledger,
    test_holds,
    test_orders,
    test_codes,
    test_licences,
    test_transfers,
    test_bank,
    test_payouts,
    test_refunds,
    test_sales,
    test_files,
    test_images,
    test_accounts,
    test_keys,
    test_events,
    test_webhooks,
    test_insights,
)


def test_each_invariant_has_a_corruption() -> None:
    names = [invariant.name for invariant in INVARIANTS]
    assert sorted(names) == sorted(name for topic in TOPICS for name in topic.CORRUPTIONS)


def test_consistent_books_succeed(books: Books, settings: Settings) -> None:
    result = verify(books.database, settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"All {len(INVARIANTS)} invariants hold." in result.stdout


def test_a_violated_invariant_is_reported_and_fails(
    worker_app: Flask, worker_number: int, settings: Settings
) -> None:
    name = "Every user has a wallet"
    with servers.database(f"payment_flow_corrupt_{worker_number}") as made:
        with without_constraints(made.owner_url) as connection:
            connection.execute(text(test_accounts.CORRUPTIONS[name]))
            connection.commit()
        result = verify(made, settings)
    assert result.returncode == 1
    assert f"1 of {len(INVARIANTS)} invariants violated." in result.stdout
    assert f"{name}:" in result.stdout


def verify(
    database: servers.TestDatabase, settings: Settings
) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "DATABASE_URL": database.app_url,
        "REDIS_URL": str(settings.redis_url),
        "DATA_DIR": str(settings.data_dir),
        "COLUMNS": "120",
    }
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "verify"],
        env=environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
