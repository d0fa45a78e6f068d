"""HTTP responses to requests about refunds that the gateway has refused."""

from functools import partial
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import confirm_admin_code, current_admin
from app.auth.service import Caller
from app.common.db import reading
from app.gateway import client
from app.gateway.errors import GatewayRefused
from app.ledger_lock.service import ledger_transaction
from app.orders.errors import RefundNotSettleable
from app.orders.models import RefundDestination
from app.orders.refunds import gateway_refunds, settlements
from app.orders.refunds.gateway_refunds import PendingRefund
from app.orders.refunds.schemas import RefundOut
from app.orders.refunds.service import RefundDetails
from app.wallets.movements.http import respond_once

_render = RefundOut().dump


def respond_with_settlement(
    refund_id: UUID, *, destination: RefundDestination, reason: str
) -> Response:
    """Settle a refused refund, once per Idempotency-Key.

    First the gateway is asked whether it has made the refund after all, outside a transaction.
    Raises what `settlements.settle` raises, GatewayNotConfigured, GatewayUnavailable.
    """
    with reading() as session:
        current_admin(session)
        found = gateway_refunds.get_pending(session, refund_id=refund_id)
    if found is not None:
        _require_not_made(found)

    def settle(session: Session, caller: Caller, key: str | None) -> RefundDetails:
        settled = settlements.settle(
            session,
            actor_id=caller.id,
            refund_id=refund_id,
            destination=destination,
            reason=reason,
            idempotency_key=key,
        )
        confirm_admin_code(session)
        return settled

    return respond_once(settle, render=_render, status=200)


def _require_not_made(pending: PendingRefund) -> None:
    """Raises RefundNotSettleable, and records the outcome, if the gateway has such a refund."""
    try:
        state = client.find_refund(pending.refund_id, payment_intent_id=pending.payment_intent_id)
    except GatewayRefused:  # it does not know the payment
        return
    if state is not None:
        ledger_transaction(
            partial(gateway_refunds.record_outcome, refund_id=pending.refund_id, state=state),
        )
        raise RefundNotSettleable(status=state.status)
