"""The audit log, as administrators see it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.administration.audit_log import repository
from app.audit.models import AuditRecord
from app.auth.models import User
from app.common.pagination import Page, PageRequest
from app.common.time_range import TimeRange


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """actor: None for the command line."""

    record: AuditRecord
    actor: User | None


def list_records(
    session: Session,
    page: PageRequest,
    *,
    within: TimeRange,
    actor_id: UUID | None = None,
    target_id: UUID | None = None,
    action: str | None = None,
) -> Page[RecordedAction]:
    """Records of this time range, newest first. target_id: of what was changed or read."""
    found = repository.list_records(
        session, page, actor_id=actor_id, target_id=target_id, action=action, within=within
    )
    return found.with_data(RecordedAction(*row) for row in found.data)
