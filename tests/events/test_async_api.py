"""The parser of the AsyncAPI initiative accepts our document."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.events.messages import MESSAGE_TYPES

_FILES = Path(__file__).parent / "asyncapi"

pytestmark = [
    pytest.mark.stress,
    pytest.mark.skipif(
        shutil.which("npm") is None, reason="the parser needs npm, which is missing"
    ),
]


def test_the_document_is_valid(client: FlaskClient, tmp_path: Path) -> None:
    folder = tmp_path / "parser"
    shutil.copytree(_FILES, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=folder, check=True, capture_output=True)

    output = subprocess.run(
        ["node", "check.js"],
        cwd=folder,
        input=client.get("/api/asyncapi.json").data,
        check=True,
        capture_output=True,
    ).stdout

    found = json.loads(output)
    assert found["problems"] == []
    assert sorted(found["topics"]) == sorted(MESSAGE_TYPES)
    assert found["payloads"] == len(MESSAGE_TYPES)
