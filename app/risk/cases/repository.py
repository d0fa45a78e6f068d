"""SQL of cases."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.common.csv_export import money_cell, text_cell, time_cell
from app.common.id_ranges import Listing, equal, leading
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_due, lock_row
from app.risk.models import CaseStatus, RiskCase, RiskCaseNote

_INSERT_CASES = BulkInsert(RiskCase)


def insert_cases(session: Session, cases: Iterable[RiskCase]) -> None:
    """cases: of the class RiskCaseRow."""
    write(session, Write(_INSERT_CASES, cases))


def get_case(session: Session, case_id: UUID) -> RiskCase | None:
    return session.get(RiskCase, case_id)


def get_case_for_update(session: Session, case_id: UUID) -> RiskCase | None:
    return lock_row(session, RiskCase, case_id)


def _filters(
    *, status: str | None, assigned_to: UUID | None, awake_at: datetime | None
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`. awake_at: only those that are not snoozed then."""
    lead, where = leading({RiskCase.status: status})
    where += equal({RiskCase.assigned_to: assigned_to})
    if awake_at is not None:
        where.append(or_(RiskCase.snoozed_until.is_(None), RiskCase.snoozed_until <= awake_at))
    return {"lead": lead, "where": where}


#: filters: see `_filters`.
CASES: Final = Listing(
    select(RiskCase),
    RiskCase.id,
    created_at=RiskCase.created_at,
    filters=_filters,
    cells={
        "caseId": RiskCase.id,
        "createdAt": time_cell(RiskCase.created_at),
        "status": RiskCase.status,
        "kind": RiskCase.kind,
        "amount": money_cell(RiskCase.amount, RiskCase.currency),
        "currency": RiskCase.currency,
        "userId": RiskCase.user_id,
        "payeeId": RiskCase.payee_id,
        "assignedTo": RiskCase.assigned_to,
        "expiresAt": time_cell(RiskCase.expires_at),
        "decidedAt": time_cell(RiskCase.decided_at),
        "decidedBy": RiskCase.decided_by,
        "reason": text_cell(RiskCase.reason),
    },
)


def list_cases_of(session: Session, page: PageRequest, *, user_id: UUID) -> Page[RiskCase]:
    return paginate(session, page, select(RiskCase).where(RiskCase.user_id == user_id), RiskCase.id)


def lock_expired(session: Session, *, now: datetime, limit: int) -> Sequence[RiskCase]:
    """Open cases that were not decided in time, locked."""
    is_open = text(f"status = '{CaseStatus.OPEN}'")
    return lock_due(session, RiskCase.expires_at, is_open, now=now, limit=limit)


def insert_note(session: Session, **values: Any) -> RiskCaseNote:
    return insert_row(session, RiskCaseNote(**values))


def list_notes(session: Session, case_id: UUID) -> Sequence[RiskCaseNote]:
    """Oldest first."""
    query = select(RiskCaseNote).where(RiskCaseNote.case_id == case_id)
    return session.scalars(query.order_by(RiskCaseNote.id).limit(1000)).all()
