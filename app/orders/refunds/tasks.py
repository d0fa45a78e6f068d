"""Jobs of refunds that the gateway makes. Each is safe to run twice."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.common import clock, queue
from app.common.db import after_commit, reading, retry_transaction
from app.gateway import client
from app.gateway.errors import GatewayNotConfigured, GatewayRefused, GatewayUnavailable
from app.inbox.errors import Quarantine
from app.ledger_lock.service import ledger_transaction
from app.orders.models import Refund, RefundStatus
from app.orders.refunds import gateway_refunds
from app.wallets.errors import BalanceTooLarge, WalletLocked

#: The gateway keeps our idempotency keys for 24 hours; after that, the refund is looked up first.
_KEY_TTL: Final = timedelta(hours=23)

_log = structlog.get_logger()


def enqueue_if_pending(session: Session, refund: Refund) -> None:
    """Enqueue the request to the gateway once the transaction of `session` is committed."""
    if refund.status == RefundStatus.PENDING:
        after_commit(session, partial(queue.enqueue_call, request_refund, refund.id))


def request_refund(refund_id: UUID) -> None:
    """Request a refund from the gateway and record its outcome."""
    with reading() as session:
        pending = gateway_refunds.get_pending(session, refund_id=refund_id)
    if pending is None:
        return
    try:
        state = None
        if clock.now() - pending.created_at > _KEY_TTL:
            state = client.find_refund(refund_id, payment_intent_id=pending.payment_intent_id)
        state = state or client.create_refund(
            refund_id,
            payment_intent_id=pending.payment_intent_id,
            money=pending.money,
            reason=pending.reason,
        )
        ledger_transaction(
            partial(gateway_refunds.record_outcome, refund_id=refund_id, state=state),
        )
    except GatewayUnavailable as error:
        _log.info("gateway unavailable", refund=str(refund_id), reason=error.text)
    except (WalletLocked, BalanceTooLarge) as error:  # of the buyer; the refund is retried
        _log.warning("wallet cannot receive yet", refund=str(refund_id), reason=error.text)
    except GatewayRefused as error:
        _flag(partial(gateway_refunds.record_refusal, refund_id=refund_id), error.reason)
    except (GatewayNotConfigured, Quarantine) as error:
        _flag(partial(gateway_refunds.flag, refund_id=refund_id), str(error))


def _flag(flag: Callable[..., Any], reason: str) -> None:
    _log.warning("gateway error", reason=reason)
    retry_transaction(partial(flag, reason=reason))


def sweep() -> int:
    """Enqueue a job for each due refund. Returns their number."""
    return queue.enqueue_due(gateway_refunds.claim_due, request_refund)
