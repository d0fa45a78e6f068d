"""SQL of the health checks."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def ping(session: Session) -> None:
    """Raises if the database does not answer."""
    session.execute(text("SELECT 1"))


def get_revision(session: Session) -> str | None:
    """The revision of the last applied migration."""
    revision: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
