"""SQL of the audit log."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.audit.models import AuditRecord


def insert_record(session: Session, **values: Any) -> None:
    session.execute(insert(AuditRecord).values(**values))
