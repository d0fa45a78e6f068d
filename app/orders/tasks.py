"""Jobs of orders that are paid at the gateway. Each is safe to run twice."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.common import clock, queue
from app.common.db import reading, retry_transaction
from app.gateway import client
from app.gateway.errors import GatewayNotConfigured, GatewayRefused, GatewayUnavailable
from app.inbox.errors import Quarantine
from app.orders import checkouts, pages, returns
from app.wallets.errors import BalanceTooLarge, WalletLocked
from app.wallets.gate import in_line

#: The gateway knows our refund by our key for a day; later it is looked for before it is asked.
_KEY_LIVES: Final = timedelta(hours=23)

_log = structlog.get_logger()


def end_checkout(order_id: UUID) -> None:
    """Find out how a checkout ended whose end we were not told of, or end it."""
    with reading() as session:
        found = checkouts.payable(session, order_id=order_id)
    if found is None:
        return
    try:
        in_line(partial(checkouts.settle, order_id=order_id, state=pages.close_checkout(found)))
    except GatewayUnavailable as silence:
        _log.info("gateway silent", order=str(order_id), why=silence.text)
    except (WalletLocked, BalanceTooLarge) as refusal:  # it is paid, and waits
        _log.warning("wallet cannot take it yet", order=str(order_id), why=refusal.text)
    except GatewayRefused as refusal:
        if found.order.stripe_session_id is None:  # so there is none
            reason = "The payment provider did not take it"
            in_line(partial(checkouts.give_up, order_id=order_id, reason=reason))
        else:
            _flag(partial(checkouts.flag, order_id=order_id), refusal.reason)
    except (GatewayNotConfigured, Quarantine) as problem:
        _flag(partial(checkouts.flag, order_id=order_id), str(problem))


def give_back(refund_id: UUID) -> None:
    """Have the gateway give money back, and note what it says."""
    with reading() as session:
        errand = returns.errand(session, refund_id=refund_id)
    if errand is None:
        return
    try:
        state = None
        if clock.now() - errand.created_at > _KEY_LIVES:
            state = client.find_refund(refund_id, payment_intent_id=errand.payment_intent_id)
        state = state or client.refund(
            refund_id,
            payment_intent_id=errand.payment_intent_id,
            money=errand.money,
            reason=errand.reason,
        )
        in_line(partial(returns.settle, refund_id=refund_id, state=state))
    except GatewayUnavailable as silence:
        _log.info("gateway silent", refund=str(refund_id), why=silence.text)
    except (WalletLocked, BalanceTooLarge) as refusal:  # the buyer's, and it waits
        _log.warning("wallet cannot take it yet", refund=str(refund_id), why=refusal.text)
    except GatewayRefused as refusal:
        _flag(partial(returns.flag, refund_id=refund_id), refusal.reason)
    except GatewayNotConfigured as problem:
        _flag(partial(returns.flag, refund_id=refund_id), str(problem))


def _flag(note: Callable[..., Any], why: str) -> None:
    _log.warning("gateway stuck", why=why)
    retry_transaction(partial(note, why=why))


def sweep() -> int:
    """Send somebody for each checkout and refund that is due; how many."""
    return _sweep(checkouts.take_due, end_checkout) + _sweep(returns.take_due, give_back)


def _sweep(take_due: Callable[[Session], Sequence[UUID]], job: Callable[[UUID], None]) -> int:
    def batch() -> int:
        due = retry_transaction(take_due)
        for one in due:
            queue.enqueue_call(job, one)
        return len(due)

    return queue.until_done(batch)
