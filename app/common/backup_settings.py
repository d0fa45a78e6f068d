"""The settings of backups."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.common.env_fields import (
    CommaSeparated,
    DatabaseUrl,
    Duration,
    Folder,
    optional_setting,
    setting,
)
from app.common.live_settings import LiveSettings

#: The replication slot through which the log is archived.
SLOT: Final = "payment_flow_backup"


@dataclass(frozen=True)
class BackupSettings(LiveSettings):
    """Where backups are kept, for how long, and with which keys."""

    backup_dir: Path | None = optional_setting(
        Folder(),
        "Folder of the backups, on another disk than the database. `./flow up` archives its"
        " database there continuously. Requires `BACKUP_KEYS`.",
        unset="none, and nothing is archived",
        section="Backups",
    )
    backup_keys: tuple[str, ...] = setting(
        CommaSeparated(),
        "",
        "Keys that encrypt backups, separated by commas: the first encrypts, all of them decrypt."
        " Each of 32 characters or more. Keep a copy where neither the database nor the backups"
        " are: nobody can restore without it.",
        secret=True,
    )
    backup_interval: timedelta = setting(
        Duration(), "24h", "How often `backup archive`, which `./flow up` runs, makes a backup."
    )
    backup_retention: timedelta = setting(
        Duration(),
        "14d",
        "How far back a restore must be possible. Backups and WAL that are not needed for that are"
        " deleted.",
    )
    backup_database_url: str | None = optional_setting(
        DatabaseUrl(),
        "PostgreSQL, as a role with REPLICATION, and without a pooler in between. Only `backup`"
        " uses it.",
        unset="`DATABASE_URL`",
        secret=True,
    )
