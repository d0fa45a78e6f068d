"""Refunds of orders that were paid at the gateway.

The merchant has already been debited. If the gateway cannot refund the payment, for example because
the card was closed, the buyer is refunded to the wallet. If it refuses the request, an
administrator decides (`settlements`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.backoff import Backoff
from app.common.ids import parse_id
from app.common.money import Money
from app.common.polling import Polling
from app.events import service as events
from app.events.catalogue.orders import RefundEvent, RefundFlagged, RefundRedirected, RefundSettled
from app.gateway import service as gateway
from app.gateway.errors import InvalidGatewayObject
from app.gateway.types import GatewayRefund, GatewayRefundStatus
from app.inbox.errors import Quarantine, QuarantineReason
from app.inbox.models import InboundEvent
from app.orders import repository
from app.orders.models import PaymentMethod, Refund, RefundDestination, RefundStatus
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.ledger import Account, AppliedEntry, Entry, Posting
from app.wallets.models import SystemCode, TransactionType

#: A refund is flagged after several hours of attempts.
POLLING: Final = Polling(
    Backoff(first=timedelta(minutes=1), max_delay=timedelta(hours=1)), max_attempts=10
)
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class PendingRefund:
    """A refund that the gateway has yet to make. money: the amount to refund."""

    refund_id: UUID
    payment_intent_id: str
    money: Money
    reason: str
    created_at: datetime


def get_pending(session: Session, *, refund_id: UUID) -> PendingRefund | None:
    """The refund to request from the gateway; None if it is no longer pending."""
    row = repository.get_refund(session, refund_id)
    if row is None or row.Refund.status != RefundStatus.PENDING:
        return None
    refund = row.Refund
    return PendingRefund(
        refund.id,
        row.stripe_payment_intent_id,
        refund.money,
        refund.reason or "",
        refund.created_at,
    )


def owns(session: Session, *, provider: str, reference: str) -> bool:
    """Whether the reference is a refund that we requested from the gateway."""
    refund_id = parse_id(reference)
    if provider != gateway.PROVIDER or refund_id is None:
        return False
    row = repository.get_refund(session, refund_id)
    return row is not None and row.payment_method == PaymentMethod.GATEWAY


def handle(session: Session, event: InboundEvent) -> None:
    """Apply an event of the gateway about a refund. Raises what `record_outcome` raises."""
    try:
        state = gateway.refund_of(event)
    except InvalidGatewayObject as error:
        raise Quarantine(QuarantineReason.NOT_UNDERSTOOD, theirs={"problem": str(error)}) from error
    record_outcome(session, refund_id=UUID(event.reference), state=state)


def record_outcome(session: Session, *, refund_id: UUID, state: GatewayRefund) -> None:
    """Record the outcome of a refund. Idempotent. Needs a ledger transaction.

    Raises WalletLocked and BalanceTooLarge when it failed and the buyer's wallet cannot receive
    the money yet, and Quarantine when the buyer got the money twice, because an administrator has
    settled the refund.
    """
    refund = repository.lock_refund(session, refund_id)
    if refund.destination != RefundDestination.GATEWAY:
        if refund.settled_by is not None and state.status is not GatewayRefundStatus.FAILED:
            ours = {"refundId": str(refund.id), "destination": refund.destination}
            raise Quarantine(
                QuarantineReason.REFUNDED_TWICE, ours=ours, theirs={"refund": state.id}
            )
        return  # already refunded to the wallet
    if state.status is GatewayRefundStatus.FAILED:
        _refund_to_wallet(session, refund, state.reason)
    elif state.status is GatewayRefundStatus.SUCCEEDED and refund.status == RefundStatus.PENDING:
        refund.failure_reason = None  # an earlier refusal
        mark_succeeded(refund, RefundDestination.GATEWAY)
        number = repository.get_number(session, refund.order_id)
        events.record(session, [refund_event(RefundSettled, refund, number)])


def _refund_to_wallet(session: Session, refund: Refund, reason: str | None) -> None:
    """Refund the buyer to the wallet instead."""
    account = require_buyer_account(session, refund)
    number = repository.get_number(session, refund.order_id)
    posted = post_redirect(
        session, refund, order_number=number, payee=account, initiator_id=refund.initiator_id
    )
    refund.failure_reason = reason or "The payment provider could not refund it"
    mark_succeeded(refund, RefundDestination.WALLET)
    redirected = refund_event(RefundRedirected, refund, number)
    events.record(session, [redirected, *wallets.balance_events(posted)])


def require_buyer_account(session: Session, refund: Refund) -> Account:
    """The buyer's wallet, locked. Raises WalletNotFound, WalletLocked, BalanceTooLarge."""
    buyer_id = repository.get_buyer_id(session, refund.order_id)
    account = wallets.require_account(session, user_id=buyer_id, currency=refund.currency)
    account.require_can_receive(refund.amount)
    return account


def post_redirect(
    session: Session,
    refund: Refund,
    *,
    order_number: str,
    payee: Account,
    initiator_id: UUID,
    idempotency_key: str | None = None,
) -> AppliedEntry:
    """Post a refund from the gateway's account to where the buyer gets it instead."""
    source = ledger.system_account(SystemCode.GATEWAY, refund.currency)
    text = f"Refund of order {order_number}"
    entry = Entry(
        kind="REFUND_REDIRECT",
        postings=(
            Posting(source, -refund.amount, TransactionType.REFUND, text),
            Posting(payee, refund.amount, TransactionType.REFUND, text),
        ),
        reference=("refund", refund.id),
        initiator_id=initiator_id,
        idempotency_key=idempotency_key,
    )
    return ledger.post(session, entry)


def mark_succeeded(refund: Refund, destination: RefundDestination) -> None:
    """Record that the buyer has the money. destination: where."""
    refund.destination = destination.value
    refund.status, refund.next_attempt_at = RefundStatus.SUCCEEDED.value, None
    refund.settled_at = refund.settled_at or clock.now()


def claim_due(session: Session) -> list[UUID]:
    """Claim refunds to request from the gateway now, and schedule their next attempt."""
    due = repository.lock_due_refunds(session, now=clock.now(), limit=_BATCH)
    POLLING.schedule_next(due, flag=partial(_flag, session))
    return [refund.id for refund in due]


def is_refused(refund: Refund) -> bool:
    """Whether the gateway refuses a refund that is still pending."""
    return refund.status == RefundStatus.PENDING and refund.failure_reason is not None


def record_refusal(session: Session, *, refund_id: UUID, reason: str) -> None:
    """Record that the gateway refuses a refund, and flag it. It is requested again later.

    reason: the gateway's code. An administrator can settle it (`settlements.settle`).
    """
    refund = repository.lock_refund(session, refund_id)
    if refund.status == RefundStatus.PENDING:
        refund.failure_reason = reason
        _flag(session, refund, reason)


def flag(session: Session, *, refund_id: UUID, reason: str) -> None:
    """Flag a refund for manual review; it continues unchanged."""
    _flag(session, repository.lock_refund(session, refund_id), reason)


def _flag(session: Session, refund: Refund, reason: str) -> None:
    if refund.flag():  # once, not with every attempt
        number = repository.get_number(session, refund.order_id)
        events.record(session, [refund_event(RefundFlagged, refund, number, reason=reason)])


def refund_event(
    event_type: type[RefundEvent], refund: Refund, order_number: str, *, reason: str | None = None
) -> RefundEvent:
    """An event about a refund. reason: that of its failure if None."""
    reason = reason or refund.failure_reason
    return event_type.of(refund, order_number=order_number, reason=reason)
