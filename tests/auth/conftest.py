"""Watching what signing in costs."""

import pytest

from app.auth import passwords


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What passwords are compared with: the beginning of each hash, one for each comparison."""
    compared: list[bytes] = []
    checkpw = passwords.bcrypt.checkpw

    def spy(password: bytes, known: bytes) -> bool:
        compared.append(known[:7])
        return checkpw(password, known)

    monkeypatch.setattr(passwords.bcrypt, "checkpw", spy)
    return compared
