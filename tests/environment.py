"""Settings, read from an environment that has only the variables of the test."""

from pathlib import Path
from typing import Any, Final

import pytest

from app.common.env_fields import declarations
from app.common.settings import Settings, load_settings

#: The secrets that production requires.
SECRETS = {
    "JWT_ACCESS_SECRET": "Q7w2Lk9ZxR4tVb8NmY3cHs6JdF1gPaE5",
    "JWT_REFRESH_SECRET": "u8XeK3qTzB6rWn1MvC9yLh4SjG7fDp2A",
    "ENCRYPTION_KEYS": "N5bYt8RwQ2kVx7LzH4mJc9GsT3dFp6Ea",
}

#: What production requires.
REQUIRED = SECRETS | {"PUBLIC_URL": "https://pay.example.com"}

#: Settings with which production starts, for `replace(settings, **PRODUCTION)`.
PRODUCTION: Final[dict[str, Any]] = {
    "app_env": "production",
    "public_url": REQUIRED["PUBLIC_URL"],
    "jwt_access_secret": SECRETS["JWT_ACCESS_SECRET"],
    "jwt_refresh_secret": SECRETS["JWT_REFRESH_SECRET"],
    "encryption_keys": (SECRETS["ENCRYPTION_KEYS"],),
    "bcrypt_rounds": 12,
    "ratelimit_enabled": True,
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove our variables and any `.env` file, in each module that imports this fixture."""
    for name in (*declarations(Settings), "REDIS_HOST", "REDIS_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()
