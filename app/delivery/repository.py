"""What deliveries read of orders, whose model is in a module above."""

from typing import Final
from uuid import UUID

from sqlalchemy import String, Uuid, column, select, table
from sqlalchemy.orm import Session

ORDERS: Final = table(
    "orders",
    column("id", Uuid),
    column("number", String),
    column("status", String),
    column("user_id", Uuid),
    column("merchant_id", Uuid),
    column("product_id", Uuid),
)


def get_order_number(session: Session, order_id: UUID) -> str:
    """The number of an order that exists."""
    number: str = session.execute(
        select(ORDERS.c.number).where(ORDERS.c.id == order_id)
    ).scalar_one()
    return number
