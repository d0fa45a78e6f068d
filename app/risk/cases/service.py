"""Cases: payments that wait for a review, with their money on hold.

OPEN → RELEASED, REJECTED or EXPIRED, once. What a release does depends on the kind of the payment,
whose module executes it in the same transaction: either both exist or neither.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.models import Role, User
from app.common import clock
from app.common.csv_export import CsvBatch
from app.common.errors import AppError, BadRequest
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.common.process_state import Handlers, Slot
from app.events import service as events
from app.events.catalogue.wallets import PaymentReviewed
from app.risk import repository as decisions
from app.risk import rulesets
from app.risk.attempt import Origin, latency_of
from app.risk.cases import repository
from app.risk.errors import CaseDecided, CaseNotFound, NotReleasable, ReviewNotFound
from app.risk.models import (
    CaseStatus,
    PaymentKind,
    RiskCase,
    RiskCaseNote,
    RiskCaseRow,
    RiskDecision,
)
from app.risk.screening import Reviewed, Screened, format_score

#: How long a payment waits for its review.
ttl: Final[Slot[timedelta]] = Slot("time for a review", default=timedelta(days=3))


class Executor(Protocol):
    """Executes what was reviewed. It is called once for each case, under the ledger lock."""

    def release(self, session: Session, case: RiskCase, reviewed: Reviewed) -> UUID | None:
        """End the hold and make the payment. Returns the id of what it created. Raises an AppError
        if it is no longer possible. reviewed: for its events."""

    def reject(self, session: Session, case: RiskCase, *, reason: str) -> None:
        """End the hold, and what else was reserved. reason: for the payer."""


#: By kind of payment.
executors: Final[Handlers[PaymentKind, Executor]] = Handlers("reviewed payments")

#: What payers are told. Never a rule: who knows the rules can avoid them.
REJECTED: Final = "The payment was rejected after a review"
EXPIRED: Final = "The payment was not reviewed in time"


def new_case(
    screened: Screened,
    *,
    hold_id: UUID,
    payment: dict[str, Any] | None,
    reference_id: UUID | None,
) -> RiskCase:
    """An open case for a payment whose money is held, not yet written."""
    attempt, now = screened.attempt, clock.now()
    return RiskCaseRow(
        id=new_id(),
        decision_id=screened.id,
        kind=attempt.kind.value,
        user_id=attempt.user_id,
        payee_id=attempt.payee_id,
        hold_id=hold_id,
        reference_id=reference_id,
        payment=payment,
        amount=attempt.amount,
        currency=attempt.currency,
        score=0 if screened.result is None else screened.result.score,
        status=CaseStatus.OPEN.value,
        assigned_to=None,
        snoozed_until=None,
        expires_at=now + ttl(),
        decided_by=None,
        decided_at=None,
        reason=None,
        result_id=None,
        created_at=now,
    )


def insert_cases(session: Session, cases: Iterable[RiskCase]) -> None:
    """cases: of `new_case`."""
    repository.insert_cases(session, cases)


@dataclass(frozen=True, slots=True)
class CaseDetails:
    """A case with the decision that asked for it, the inputs of that by name, and its notes, oldest
    first."""

    case: RiskCase
    decision: RiskDecision | None
    inputs: Mapping[str, Any]
    notes: list[RiskCaseNote]


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case, and who pays."""

    case: RiskCase
    payer: User

    @property
    def currency(self) -> str:
        return self.case.currency


#: The cells of a row of the export.
EXPORTED: Final = repository.CASES.cells


def list_cases(session: Session, page: PageRequest, **filters: Any) -> Page[ListedCase]:
    """All cases, newest first. filters: status, assigned_to, with_snoozed."""
    found = repository.CASES.read_page(session, page, **_stored_filters(**filters))
    payers = auth.get_users_by_id(session, [case.user_id for case in found.data])
    return found.with_data(ListedCase(case, payers[case.user_id]) for case in found.data)


def export_cases(session: Session, *, limit: int, below: UUID | None, **filters: Any) -> CsvBatch:
    """A batch of all cases of the list. filters: as of `list_cases`."""
    return repository.CASES.read_csv(
        session, limit=limit, below=below, **_stored_filters(**filters)
    )


def _stored_filters(
    *, status: str | None = None, assigned_to: UUID | None = None, with_snoozed: bool = True
) -> dict[str, Any]:
    return {
        "status": status,
        "assigned_to": assigned_to,
        "awake_at": None if with_snoozed else clock.now(),
    }


def require_case(session: Session, case_id: UUID) -> CaseDetails:
    """Raises CaseNotFound."""
    case = repository.get_case(session, case_id)
    if case is None:
        raise CaseNotFound
    decision = decisions.get_decision(session, case.decision_id)
    inputs = rulesets.inputs_of(session, decision) if decision is not None else {}
    return CaseDetails(case, decision, inputs, list(repository.list_notes(session, case_id)))


def list_reviews(session: Session, page: PageRequest, *, user_id: UUID) -> Page[RiskCase]:
    """The user's payments that are or were under review, newest first."""
    return repository.list_cases_of(session, page, user_id=user_id)


def require_review(session: Session, *, case_id: UUID, user_id: UUID) -> RiskCase:
    """A payment of the user that is or was under review. Raises ReviewNotFound."""
    case = repository.get_case(session, case_id)
    if case is None or case.user_id != user_id:
        raise ReviewNotFound
    return case


def assign(
    session: Session, *, actor_id: UUID, case_id: UUID, assignee_id: UUID | None
) -> CaseDetails:
    """Assign an open case to an administrator; None for nobody.

    Raises CaseNotFound, CaseDecided, UserNotFound, BadRequest.
    """
    case = _require_open(session, case_id)
    if assignee_id is not None:
        assignee = auth.require_user(session, assignee_id)
        if assignee.role != Role.ADMIN or not assignee.is_active:
            raise BadRequest(details={"assigneeId": ["Must be an active administrator."]})
    case.assigned_to = assignee_id
    _record(session, case, actor_id=actor_id, verb="assign")
    return require_case(session, case_id)


def snooze(session: Session, *, actor_id: UUID, case_id: UUID, until: datetime) -> CaseDetails:
    """Hide an open case from the queue until a time before it expires.

    Raises CaseNotFound, CaseDecided, BadRequest.
    """
    case = _require_open(session, case_id)
    if not clock.now() < until < case.expires_at:
        raise BadRequest(details={"until": ["Must be in the future, and before the case expires."]})
    case.snoozed_until = until
    _record(session, case, actor_id=actor_id, verb="snooze")
    return require_case(session, case_id)


def add_note(session: Session, *, actor_id: UUID, case_id: UUID, text: str) -> CaseDetails:
    """Note something about a case, decided or not. Raises CaseNotFound."""
    case = repository.get_case(session, case_id)
    if case is None:
        raise CaseNotFound
    _record(session, case, actor_id=actor_id, verb="note")
    repository.insert_note(
        session,
        id=new_id(),
        case_id=case_id,
        author_id=actor_id,
        text=text,
        created_at=clock.now(),
    )
    return require_case(session, case_id)


def release(
    session: Session,
    *,
    actor_id: UUID,
    case_id: UUID,
    reason: str | None = None,
    origin: Origin | None = None,
) -> CaseDetails:
    """Release a payment: it is made now, exactly as it was requested.

    Needs the ledger lock. origin: of the administrator's request.
    Raises CaseNotFound, CaseDecided, OwnAccount, and NotReleasable if the payment is no longer
    possible: then the case stays open.
    """
    case = _require_open(session, case_id)
    auth.require_other_account(actor_id, case.user_id, case.payee_id)
    try:
        with session.begin_nested():  # an error undoes its writes
            payer = auth.require_user(session, case.user_id)
            if not payer.is_active:
                raise NotReleasable(code="USER_DEACTIVATED", reason="The payer is deactivated")
            reviewed = _reviewed(case, origin)
            result_id = executors[PaymentKind(case.kind)].release(session, case, reviewed)
    except NotReleasable:
        raise
    except AppError as error:
        raise NotReleasable(code=error.code, reason=error.text) from error
    _close(
        session,
        case,
        CaseStatus.RELEASED,
        reviewed,
        actor_id=actor_id,
        reason=reason,
        result=result_id,
    )
    return require_case(session, case_id)


def reject(
    session: Session,
    *,
    actor_id: UUID,
    case_id: UUID,
    reason: str,
    origin: Origin | None = None,
) -> CaseDetails:
    """Reject a payment: its money is available to the payer again.

    Needs the ledger lock. reason: for other administrators; origin: of the request.
    Raises CaseNotFound, CaseDecided, OwnAccount.
    """
    case = _require_open(session, case_id, may_be_due=True)
    auth.require_other_account(actor_id, case.user_id)
    executors[PaymentKind(case.kind)].reject(session, case, reason=REJECTED)
    reviewed = _reviewed(case, origin)
    _close(session, case, CaseStatus.REJECTED, reviewed, actor_id=actor_id, reason=reason)
    return require_case(session, case_id)


def expire_due(session: Session, *, limit: int) -> int:
    """Reject payments that were not reviewed in time. Returns their number. Needs the ledger
    lock."""
    due = repository.lock_expired(session, now=clock.now(), limit=limit)
    for case in due:
        executors[PaymentKind(case.kind)].reject(session, case, reason=EXPIRED)
        _close(session, case, CaseStatus.EXPIRED, _reviewed(case, None), actor_id=None)
    return len(due)


def _require_open(session: Session, case_id: UUID, *, may_be_due: bool = False) -> RiskCase:
    """The case, locked. may_be_due: even if its time is over and it is not yet expired.

    Raises CaseNotFound, CaseDecided.
    """
    case = repository.get_case_for_update(session, case_id)
    if case is None:
        raise CaseNotFound
    if case.status != CaseStatus.OPEN:
        raise CaseDecided(status=case.status)
    if case.expires_at <= clock.now() and not may_be_due:
        raise CaseDecided(status=CaseStatus.EXPIRED)
    return case


def _reviewed(case: RiskCase, origin: Origin | None) -> Reviewed:
    return Reviewed(format_score(case.score), latency_of(origin))


_VERBS: Final = {
    CaseStatus.RELEASED: "release",
    CaseStatus.REJECTED: "reject",
    CaseStatus.EXPIRED: "expire",
}


def _close(
    session: Session,
    case: RiskCase,
    status: CaseStatus,
    reviewed: Reviewed,
    *,
    actor_id: UUID | None,
    reason: str | None = None,
    result: UUID | None = None,
) -> None:
    """The last change of a case, which a trigger guards."""
    case.decided_by, case.decided_at, case.reason = actor_id, clock.now(), reason
    case.result_id, case.status = result, status.value
    _record(session, case, actor_id=actor_id, verb=_VERBS[status], reason=reason)
    event = PaymentReviewed(
        aggregate_id=case.id,
        aggregate_version=2,
        user_id=case.user_id,
        kind=case.kind,
        amount=case.amount,
        currency=case.currency,
        status=status.value,
        result_id=result,
        risk_score=reviewed.score,
        latency_ms=reviewed.latency_ms,
    )
    events.record(session, [event])


def _record(
    session: Session,
    case: RiskCase,
    *,
    actor_id: UUID | None,
    verb: str,
    reason: str | None = None,
) -> None:
    session.flush()
    audit.record(
        session,
        actor_id=actor_id,
        action=f"risk-case.{verb}",
        target=("risk_case", case.id),
        reason=reason,
        details={"kind": case.kind, "status": case.status},
    )
