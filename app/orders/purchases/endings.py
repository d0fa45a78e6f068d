"""What became of screened purchases: whether their orders were refunded, or have failed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.orders import repository
from app.orders.models import OrderStatus
from app.risk.past import Ending, PastAttempt, as_json

#: How long before its decision an order has its id: as long as its request takes, at most.
_LEAD: Final = timedelta(hours=1)


def find_endings(session: Session, attempts: Sequence[PastAttempt]) -> Mapping[UUID, Ending]:
    """As of `past.endings`."""
    rows = repository.list_screened(session, as_json(attempts, lead=_LEAD))
    found: dict[UUID, Ending] = {}
    for row in rows:
        if row.is_refunded:
            found[row.id] = Ending.REFUNDED
        elif row.status in (OrderStatus.FAILED, OrderStatus.CANCELLED):
            found[row.id] = Ending.FAILED
    return found
