"""SQL of the audit log."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import String, cast, select

from app.audit.models import AuditRecord
from app.auth.models import User
from app.common.csv_export import text_cell, time_cell
from app.common.id_ranges import Listing, leading


def _filters(
    *, actor_id: UUID | None = None, target_id: UUID | None = None, action: str | None = None
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`."""
    lead, where = leading(
        {
            AuditRecord.target_id: target_id,
            AuditRecord.actor_id: actor_id,
            AuditRecord.action: action,
        }
    )
    return {"lead": lead, "where": where}


#: Records with their actors, if they have one; filters: see `_filters`.
RECORDS: Final = Listing(
    select(AuditRecord, User)
    .select_from(AuditRecord)
    .outerjoin(User, User.id == AuditRecord.actor_id),
    AuditRecord.id,
    created_at=AuditRecord.created_at,
    filters=_filters,
    cells={
        "recordId": AuditRecord.id,
        "createdAt": time_cell(AuditRecord.created_at),
        "actorId": AuditRecord.actor_id,
        "actorEmail": text_cell(User.email),
        "action": text_cell(AuditRecord.action),
        "targetType": text_cell(AuditRecord.target_type),
        "targetId": AuditRecord.target_id,
        "reason": text_cell(AuditRecord.reason),
        "details": text_cell(cast(AuditRecord.details, String)),
    },
)
