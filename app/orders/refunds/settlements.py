"""Settling refunds by hand: those that the gateway refuses for good.

The merchant was debited when the refund was created. An administrator decides how the buyer gets
the money: in the wallet, or outside of this system, such as by a bank transfer of the platform.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.events import service as events
from app.events.base import Event
from app.events.catalogue.orders import RefundPaidExternally, RefundRedirected
from app.orders import repository
from app.orders.errors import RefundNotFound, RefundNotSettleable
from app.orders.models import Refund, RefundDestination
from app.orders.refunds import gateway_refunds
from app.orders.refunds.gateway_refunds import is_refused
from app.orders.refunds.service import RefundDetails
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.models import SystemCode


def settle(
    session: Session,
    *,
    actor_id: UUID,
    refund_id: UUID,
    destination: RefundDestination,
    reason: str,
    idempotency_key: str | None = None,
) -> RefundDetails:
    """Settle a refused refund: credit the buyer's wallet, or record that it was paid externally.

    actor_id: the administrator; destination: WALLET or EXTERNAL. Needs a ledger transaction.
    Raises RefundNotFound, RefundNotSettleable, OwnAccount if the administrator is a party of the
    order, and for WALLET WalletNotFound, WalletLocked and BalanceTooLarge.
    """
    found = repository.get_refund(session, refund_id)
    if found is None:
        raise RefundNotFound
    _require_refused(found.Refund)
    auth.require_other_account(actor_id, found.user_id, found.Refund.merchant_id)
    refund = repository.lock_refund(session, refund_id)
    _require_refused(refund)
    if destination is RefundDestination.WALLET:
        payee = gateway_refunds.require_buyer_account(session, refund)
    else:
        payee = ledger.system_account(SystemCode.BANK, refund.currency)
    posted = gateway_refunds.post_redirect(
        session,
        refund,
        order_number=found.number,
        payee=payee,
        initiator_id=actor_id,
        idempotency_key=idempotency_key,
    )
    refund.settled_by, refund.settlement_reason = actor_id, reason
    refund.flagged_at = None  # a contradiction by the gateway flags it again
    gateway_refunds.mark_succeeded(refund, destination)
    audit.record(
        session,
        actor_id=actor_id,
        action="refund.settle",
        target=("refund", refund.id),
        reason=reason,
        details={
            "orderNumber": found.number,
            "destination": destination.value,
            "amount": refund.amount,
            "currency": refund.currency,
            "refusal": refund.failure_reason,
        },
    )
    settled = RefundDetails(refund, found.number)
    events.record(session, [_event(settled, destination), *wallets.balance_events(posted)])
    return settled


def _require_refused(refund: Refund) -> None:
    """Raises RefundNotSettleable unless the gateway has refused to make the refund."""
    if not is_refused(refund):
        raise RefundNotSettleable(status=refund.status)


def _event(settled: RefundDetails, destination: RefundDestination) -> Event:
    is_external = destination is RefundDestination.EXTERNAL
    event_type = RefundPaidExternally if is_external else RefundRedirected
    return gateway_refunds.refund_event(event_type, settled.refund, settled.order_number)
