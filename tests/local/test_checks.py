"""The checks of `./flow test`."""

import shutil

import pytest

from app.local import checks


def test_without_node_the_types_of_scripts_are_skipped_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert checks.are_scripts_typed(checks.Console())

    assert "Node.js is missing" in capsys.readouterr().out
