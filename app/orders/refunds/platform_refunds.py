"""Refunds that an administrator makes for a merchant, such as one who does not answer."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.orders import repository
from app.orders.errors import OrderNotFound
from app.orders.refunds import service as refunds
from app.orders.refunds.service import RefundDetails


def create_refund(
    session: Session,
    *,
    actor_id: UUID,
    order_id: UUID,
    reason: str,
    amount: Decimal | None = None,
    units: int | None = None,
    idempotency_key: str | None = None,
) -> RefundDetails:
    """Refund an order as its merchant would, from the merchant's wallet.

    actor_id: the administrator. Needs a ledger transaction. Raises OwnAccount if the administrator
    is a party of the order, and what `refunds.create_refund` raises.
    """
    parties = repository.get_parties(session, order_id)
    if parties is None:
        raise OrderNotFound
    auth.require_other_account(actor_id, parties.user_id, parties.merchant_id)
    made = refunds.create_refund(
        session,
        merchant_id=parties.merchant_id,
        by=actor_id,
        order_id=order_id,
        amount=amount,
        units=units,
        reason=reason,
        idempotency_key=idempotency_key,
    )
    refund = made.refund
    audit.record(
        session,
        actor_id=actor_id,
        action="order.refund",
        target=("order", order_id),
        reason=reason,
        details={
            "orderNumber": made.order_number,
            "refundId": str(refund.id),
            "amount": refund.amount,
            "fee": refund.fee,
            "units": refund.units,
            "currency": refund.currency,
        },
    )
    return made
