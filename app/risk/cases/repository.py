"""SQL of cases."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_due, lock_row
from app.risk.models import CaseStatus, RiskCase, RiskCaseNote, RiskDecision

_INSERT_CASES = BulkInsert(RiskCase)


def insert_cases(session: Session, cases: Iterable[RiskCase]) -> None:
    """cases: of the class RiskCaseRow."""
    write(session, Write(_INSERT_CASES, cases))


def get_case(session: Session, case_id: UUID) -> RiskCase | None:
    return session.get(RiskCase, case_id)


def get_case_for_update(session: Session, case_id: UUID) -> RiskCase | None:
    return lock_row(session, RiskCase, case_id)


def get_decision(session: Session, decision_id: UUID) -> RiskDecision | None:
    return session.get(RiskDecision, decision_id)


def list_cases(
    session: Session,
    page: PageRequest,
    *,
    status: str | None,
    assigned_to: UUID | None,
    awake_at: datetime | None,
) -> Page[RiskCase]:
    """awake_at: only those that are not snoozed at this time."""
    query = select(RiskCase)
    if status is not None:
        query = query.where(RiskCase.status == status)
    if assigned_to is not None:
        query = query.where(RiskCase.assigned_to == assigned_to)
    if awake_at is not None:
        query = query.where(
            or_(RiskCase.snoozed_until.is_(None), RiskCase.snoozed_until <= awake_at)
        )
    return paginate(session, page, query, RiskCase.id)


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
