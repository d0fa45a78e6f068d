"""SQL of the audit log."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditRecord
from app.auth.models import User
from app.common.id_ranges import leading, paginate_newest
from app.common.pagination import Page, PageRequest
from app.common.time_range import TimeRange


def list_records(
    session: Session,
    page: PageRequest,
    *,
    actor_id: UUID | None,
    target_id: UUID | None,
    action: str | None,
    within: TimeRange,
) -> Page[Any]:
    """Records with their actors, if they have one, newest first."""
    lead, where = leading(
        {
            AuditRecord.target_id: target_id,
            AuditRecord.actor_id: actor_id,
            AuditRecord.action: action,
        }
    )
    return paginate_newest(
        session,
        page,
        select(AuditRecord, User).outerjoin(User, User.id == AuditRecord.actor_id),
        AuditRecord.id,
        created_at=AuditRecord.created_at,
        within=within,
        lead=lead,
        where=where,
    )
