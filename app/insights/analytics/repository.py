"""SQL of checkouts."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.common.ids import first_id
from app.orders.models import Order


def count_checkouts(
    session: Session, *, merchant_id: UUID, since: datetime, until: datetime
) -> Mapping[str, int]:
    """The orders by card that were begun in a period, by their status."""
    rows = session.execute(
        select(Order.status, func.count())
        .where(
            Order.merchant_id == merchant_id,
            # As in the index, literally.
            text("payment_method = 'GATEWAY'"),
            Order.id >= first_id(since),
            Order.id < first_id(until),
        )
        .group_by(Order.status)
    )
    return dict(rows.all())
