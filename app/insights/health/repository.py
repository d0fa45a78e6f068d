"""SQL of the runs of `verify` and of the archive of the write-ahead log."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.insights.health.models import Verification


def get_last_run(session: Session) -> Verification | None:
    return session.scalar(select(Verification).order_by(Verification.id.desc()).limit(1))


def get_archive(session: Session) -> Any:
    """What the server says of its archive: is_on, archived_at, failed_at."""
    return session.execute(
        text(
            "SELECT current_setting('archive_mode') <> 'off' AS is_on,"
            " last_archived_time AS archived_at, last_failed_time AS failed_at"
            " FROM pg_stat_archiver"
        )
    ).one()
