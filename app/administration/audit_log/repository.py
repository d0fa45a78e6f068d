"""SQL of the audit log."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from app.audit.models import AuditRecord
from app.auth.models import User
from app.common.csv_export import CsvBatch, text_cell, time_cell
from app.common.id_ranges import leading, paginate_newest, read_csv
from app.common.pagination import Page, PageRequest
from app.common.time_range import TimeRange

#: The cells of a row of the export.
EXPORTED: Final[dict[str, Any]] = {
    "recordId": AuditRecord.id,
    "createdAt": time_cell(AuditRecord.created_at),
    "actorId": AuditRecord.actor_id,
    "actorEmail": text_cell(User.email),
    "action": text_cell(AuditRecord.action),
    "targetType": text_cell(AuditRecord.target_type),
    "targetId": AuditRecord.target_id,
    "reason": text_cell(AuditRecord.reason),
    "details": text_cell(cast(AuditRecord.details, String)),
}


def list_records(
    session: Session, page: PageRequest, *, within: TimeRange, **filters: Any
) -> Page[Any]:
    """Records with their actors, if they have one, newest first. filters: see `_filters`."""
    return paginate_newest(
        session,
        page,
        _with_actor(select(AuditRecord, User)),
        AuditRecord.id,
        created_at=AuditRecord.created_at,
        within=within,
        **_filters(**filters),
    )


def export_records(
    session: Session, *, limit: int, below: UUID | None, within: TimeRange, **filters: Any
) -> CsvBatch:
    """A batch of the export, as of `id_ranges.read_csv`. filters: see `_filters`."""
    return read_csv(
        session,
        _with_actor(select(AuditRecord.id)),
        AuditRecord.id,
        cells=EXPORTED,
        created_at=AuditRecord.created_at,
        within=within,
        limit=limit,
        below=below,
        **_filters(**filters),
    )


def _with_actor(query: Any) -> Any:
    return query.select_from(AuditRecord).outerjoin(User, User.id == AuditRecord.actor_id)


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
