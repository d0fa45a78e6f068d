"""Every event type, by subject. `docs/events.md` shows them as a table.

The docstring of a class says when the event is recorded; `Annotated` describes a field further than
its name and type do. A class without `@event` has the fields that several types share.
"""

from app.events.catalogue import (
    accounts,
    banks,
    delivery,
    notifications,
    orders,
    products,
    wallets,
    webhooks,
)

__all__ = [
    "accounts",
    "banks",
    "delivery",
    "notifications",
    "orders",
    "products",
    "wallets",
    "webhooks",
]
