"""Counting password hashes."""

import pytest

from app.auth import passwords


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The prefixes of the hashes that passwords were compared with."""
    compared: list[bytes] = []
    checkpw = passwords.bcrypt.checkpw

    def spy(password: bytes, password_hash: bytes) -> bool:
        compared.append(password_hash[:7])
        return checkpw(password, password_hash)

    monkeypatch.setattr(passwords.bcrypt, "checkpw", spy)
    return compared
