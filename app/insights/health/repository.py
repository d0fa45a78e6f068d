"""SQL of the runs of `verify`, of backups, and of the archive of the write-ahead log."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.common.backup_settings import SLOT
from app.insights.health.models import BackupRecord, Verification


def get_last_run(session: Session) -> Verification | None:
    return session.scalar(select(Verification).order_by(Verification.id.desc()).limit(1))


def get_last_backup(session: Session) -> BackupRecord | None:
    return session.scalar(select(BackupRecord).order_by(BackupRecord.id.desc()).limit(1))


def insert_backup(session: Session, backup: BackupRecord) -> None:
    session.add(backup)
    session.flush()


def get_archive(session: Session) -> Any:
    """What the server says of its archive: is_on, archived_at, failed_at.

    A process that receives the log through the slot is an archive, too, and never behind by much.
    """
    return session.execute(
        text(
            "SELECT current_setting('archive_mode') <> 'off' OR received AS is_on,"
            " CASE WHEN received THEN clock_timestamp() ELSE last_archived_time END AS archived_at,"
            " last_failed_time AS failed_at"
            " FROM pg_stat_archiver,"
            " (SELECT count(*) > 0 AS received FROM pg_replication_slots"
            " WHERE slot_name = :slot AND active) AS slots"
        ),
        {"slot": SLOT},
    ).one()


def get_archive_lag(session: Session) -> int | None:
    """Bytes of the log that were not received through the slot for backups; None without it."""
    lag: int | None = session.scalar(
        text(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint"
            " FROM pg_replication_slots"
            " WHERE slot_name = :slot AND NOT pg_is_in_recovery()"
        ),
        {"slot": SLOT},
    )
    return lag
