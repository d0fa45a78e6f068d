"""Tests load the demo as the application, which cannot create its administrator by itself."""

import pytest

from app.auth import service as auth
from tests import factories


@pytest.fixture(autouse=True)
def _an_administrator_can_be_created(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "register", factories.register)
