"""Settings, read from an environment that has only the variables of the test."""

from pathlib import Path

import pytest

from app.common.env_fields import declarations
from app.common.settings import Settings, load_settings

#: The secrets that production requires.
SECRETS = {
    "JWT_ACCESS_SECRET": "a" * 32,
    "JWT_REFRESH_SECRET": "b" * 32,
    "ENCRYPTION_KEYS": "c" * 32,
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
