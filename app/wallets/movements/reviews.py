"""Payments that are held for a review, and refused ones, inside a batch of movements."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.errors import AppError
from app.common.ids import new_id
from app.common.money import MAX_MINOR
from app.events import service as events
from app.events.base import Event
from app.events.catalogue.wallets import PaymentUnderReview
from app.risk.cases import service as cases
from app.risk.screening import Reviewed, Screened
from app.wallets import ledger, refusals, repository
from app.wallets.holds import lifecycle
from app.wallets.ledger import Account
from app.wallets.models import HoldStatus, WalletHold
from app.wallets.movements.locked_wallets import LockedWallets
from app.wallets.movements.movement import Movement, Review, Turn
from app.wallets.outflow import HeldForReview, of_hold

#: What the hold of a review refers to: its case.
REFERENCE: Final = "review"


def place(
    held: HeldForReview,
    *,
    hold_id: UUID,
    payment: dict[str, Any] | None,
    reference_id: UUID | None = None,
    idempotency_key: str | None = None,
) -> Review:
    """Hold the money of a payment in memory, and open its case.

    payment: what to execute on release; reference_id: what waits for it.
    """
    screened = _screened(held)
    case = cases.new_case(screened, hold_id=hold_id, payment=payment, reference_id=reference_id)
    hold = lifecycle.new(
        held.account,
        hold_id=hold_id,
        authorization=held.authorization,
        initiator_id=held.account.owner_id,
        reference=(REFERENCE, case.id),
        description="Payment under review",
        idempotency_key=idempotency_key,
    )
    return Review(case, hold)


def event_of(review: Review, held: HeldForReview) -> PaymentUnderReview:
    """The event of a payment that is under review from now on."""
    case, screened = review.case, _screened(held)
    return PaymentUnderReview(
        aggregate_id=case.id,
        aggregate_version=1,
        kind=case.kind,
        user_id=case.user_id,
        merchant_id=screened.attempt.merchant_id,
        payee_id=case.payee_id,
        amount=case.amount,
        currency=case.currency,
        case_id=case.id,
        risk_score=screened.score,
        latency_ms=screened.latency_ms,
    )


def _screened(held: HeldForReview) -> Screened:
    screened = held.authorization.screened
    if not isinstance(screened, Screened):
        raise TypeError("only what was screened is reviewed")
    return screened


def hold_alone(
    session: Session,
    held: HeldForReview,
    *,
    payment: dict[str, Any],
    idempotency_key: str | None,
) -> Review:
    """Hold a payment that is a transaction of its own, and write it."""
    review = place(held, hold_id=new_id(), payment=payment, idempotency_key=idempotency_key)
    ledger.save(session, held.account)
    write(session, [review])
    events.record(session, [event_of(review, held)])
    return review


def write(session: Session, reviews: Sequence[Review]) -> None:
    """Write holds and cases, together with what the batch writes."""
    if reviews:
        repository.insert_holds(session, [review.hold for review in reviews])
        cases.insert_cases(session, [review.case for review in reviews])


def refuse(turn: Turn, movement: Movement[Any, Any], rows: Any, error: AppError) -> Sequence[Event]:
    """Count a refused payment of the caller. Returns the events of the refusal."""
    found = list(movement.refusal_events(turn, rows, error))
    if error.code not in refusals.CODES:
        return found
    attempt = movement.attempt(turn, rows)
    if attempt is None or attempt.amount > MAX_MINOR:
        return found
    outflows = turn.wallets.outflows.get(attempt.currency)
    if outflows is not None and outflows.screening is not None:
        outflows.screening.refuse(attempt, error.code)
    return [
        *found,
        *refusals.events_of(attempt, error, turn.origin),
    ]


def end_hold(wallets: LockedWallets, hold: WalletHold, reviewed: Reviewed) -> Account:
    """End the hold of a review in memory, and authorize once what it was placed for.

    Raises WalletNotFound, HoldClosed.
    """
    account = wallets.require(hold.initiator_id, hold.currency)
    lifecycle.require_open(hold)
    lifecycle.close(hold, account, HoldStatus.VOIDED)
    wallets.free(account)
    wallets.outflows[hold.currency].reviewed[account.owner_id] = of_hold(hold, reviewed)
    return account
