"""The `up` that is running on a data folder, for commands and tools that use its servers."""

import json
import os
from pathlib import Path
from typing import Final

from app.common.settings import SettingsError, default_data_dir
from app.common.web_settings import WebSettings
from app.local.processes import FileLock

#: Holds the lock while `up` runs, and describes it.
LOCK_NAME: Final = "up.lock"
#: Says since when events of banks and the gateway must be fetched again, after a restore.
RESTORED_NAME: Final = "restored.json"
OWNER_URL: Final = "MIGRATION_DATABASE_URL"
BACKUP_URL: Final = "BACKUP_DATABASE_URL"
#: What only `backup` needs.
BACKUP_SETTINGS: Final = (BACKUP_URL, "BACKUP_DIR", "BACKUP_KEYS")


def adopt(settings: WebSettings, *, as_owner: bool = False, for_backup: bool = False) -> bool:
    """Use the servers of a running `up` in this process, unless there is a DATABASE_URL.

    Changes the environment; returns whether it did. as_owner: also as the role that owns the
    tables; for_backup: also as the one that copies everything. Raises SettingsError if it runs as
    another user.
    """
    if settings.database_url is not None:
        return False
    environment = running_environment(settings.data_dir or default_data_dir())
    if not as_owner:
        environment.pop(OWNER_URL, None)
    if not for_backup:
        environment.pop(BACKUP_URL, None)
    os.environ.update(environment)
    return bool(environment)


def running_environment(data_dir: Path) -> dict[str, str]:
    """The environment of the `up` that is running on this data folder; empty if there is none."""
    path = data_dir / LOCK_NAME
    try:
        if not path.exists():
            return {}
        lock = FileLock(path)
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {error.strerror}.") from None
    try:
        environment: dict[str, str] = {} if lock.acquire() else json.loads(lock.read())["env"]
    finally:
        lock.release()
    return environment
