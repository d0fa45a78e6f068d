"""What became of screened purchases: whether their orders were refunded, or have failed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.driver import send
from app.orders.models import OrderStatus
from app.risk.past import Ending, PastAttempt, as_json

#: How long before its decision an order has its id: as long as its request takes, at most.
_LEAD: Final = timedelta(hours=1)

# A decision does not know its order. While it was made, the wallet of its buyer was locked, and the
# order was stamped just before: so it is the last one that is not younger.
_ORDERS: Final = """
    SELECT d.id, o.status, o.refunded_amount + o.refunded_units > 0 AS is_refunded
    FROM jsonb_to_recordset(%(attempts)s::jsonb) AS d (
        id uuid, user_id uuid, payee_id uuid, amount bigint, currency text,
        created_at timestamptz, first_id uuid, last_id uuid, result_id uuid)
    CROSS JOIN LATERAL (
        SELECT status, refunded_amount, refunded_units FROM orders WHERE id = d.result_id
        UNION ALL (
            SELECT status, refunded_amount, refunded_units FROM orders
            WHERE d.result_id IS NULL AND user_id = d.user_id
                AND id BETWEEN d.first_id AND d.last_id AND merchant_id = d.payee_id
                AND amount = d.amount AND currency = d.currency AND payment_method = 'WALLET'
                AND created_at <= d.created_at
            ORDER BY created_at DESC, id DESC LIMIT 1
        )
    ) o
"""


def find_endings(session: Session, attempts: Sequence[PastAttempt]) -> Mapping[UUID, Ending]:
    """As of `past.endings`."""
    rows = send(session, _ORDERS, {"attempts": as_json(attempts, lead=_LEAD)})
    found: dict[UUID, Ending] = {}
    for row in rows:
        if row.is_refunded:
            found[row.id] = Ending.REFUNDED
        elif row.status in (OrderStatus.FAILED, OrderStatus.CANCELLED):
            found[row.id] = Ending.FAILED
    return found
