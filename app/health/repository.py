"""SQL that asks how the database is."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def answers(session: Session) -> None:
    """Raises when the database does not."""
    session.execute(text("SELECT 1"))


def applied_revision(session: Session) -> str | None:
    """The newest migration that the database has had."""
    revision: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
