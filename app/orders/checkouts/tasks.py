"""Jobs of orders that are paid at the gateway. Each is safe to run twice."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from app.common import queue
from app.common.db import reading, retry_transaction
from app.gateway.errors import GatewayNotConfigured, GatewayRefused, GatewayUnavailable
from app.inbox.errors import Quarantine
from app.ledger_lock.service import ledger_transaction
from app.orders.checkouts import client as pages
from app.orders.checkouts import polling
from app.orders.checkouts import service as checkouts
from app.wallets.errors import BalanceTooLarge

_log = structlog.get_logger()


def close_checkout(order_id: UUID) -> None:
    """Expire a checkout at the gateway and apply its final state."""
    with reading() as session:
        found = checkouts.get_payable(session, order_id=order_id)
    if found is None:
        return
    try:
        state = pages.close_checkout(found)
        if state is None:
            _fail_unpayable(order_id, checkouts.EXPIRED)
        else:
            apply_state = partial(checkouts.apply_state, order_id=order_id, state=state)
            ledger_transaction(apply_state)
    except GatewayUnavailable as error:
        _log.info("gateway unavailable", order=str(order_id), reason=error.text)
    except BalanceTooLarge as error:  # of the merchant; the order is retried
        _log.warning("wallet cannot receive yet", order=str(order_id), reason=error.text)
    except GatewayRefused as error:
        if found.order.stripe_session_id is None:  # there is no session
            _fail_unpayable(order_id, "The payment provider refused the checkout")
        else:
            _flag(partial(polling.flag, order_id=order_id), error.reason)
    except (GatewayNotConfigured, Quarantine) as error:
        _flag(partial(polling.flag, order_id=order_id), str(error))


def _fail_unpayable(order_id: UUID, reason: str) -> None:
    fail = partial(checkouts.fail_unpayable, order_id=order_id, reason=reason)
    ledger_transaction(fail)


def _flag(flag: Callable[..., Any], reason: str) -> None:
    _log.warning("gateway error", reason=reason)
    retry_transaction(partial(flag, reason=reason))


def sweep() -> int:
    """Enqueue a job for each due checkout. Returns their number."""
    return queue.enqueue_due(polling.claim_due, close_checkout)
