"""SQL of backups: what a server says of itself, mostly before the application is configured."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.common.backup_settings import SLOT
from app.common.schema_version import connect


@dataclass(frozen=True, slots=True)
class Server:
    """What the server says of itself. time: of its clock; summarizes: whether it can make
    incremental backups."""

    version: int
    system: str
    segment_bytes: int
    summarizes: bool
    time: datetime


def ask(url: str) -> Server:
    """Raises psycopg.Error."""
    with closing(connect(url)) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000,"
            " (SELECT system_identifier::text FROM pg_control_system()),"
            " (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),"
            " coalesce(current_setting('summarize_wal', true), 'off') = 'on',"
            " clock_timestamp()"
        ).fetchone()
    assert row is not None  # noqa: S101 – always one row
    return Server(*row)


def get_server_start(session: Session) -> datetime:
    start: datetime = session.execute(select(func.pg_postmaster_start_time())).scalar_one()
    return start


def is_received(url: str) -> bool:
    """Whether the log is being received through the slot now. Raises psycopg.Error."""
    with closing(connect(url)) as connection:
        row = connection.execute(
            "SELECT FROM pg_replication_slots WHERE slot_name = %s AND active", (SLOT,)
        ).fetchone()
    return row is not None


def follow_restore(superuser_url: str) -> datetime | None:
    """Create the slot for the log from now on, which belongs to the archive of the new timeline.
    Returns the time of the last transaction that was recovered; None if there was none.

    Raises psycopg.Error.
    """
    with closing(connect(superuser_url)) as connection:
        row = connection.execute(
            "SELECT pg_last_xact_replay_timestamp(), pg_create_physical_replication_slot(%s, true)",
            (SLOT,),
        ).fetchone()
    return None if row is None else row[0]
