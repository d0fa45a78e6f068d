"""Every event type, by subject. `docs/events.md` shows them as a table.

The docstring of a class says what has happened when the event is recorded; `Annotated` says what
the name and the type of a field do not. A class without `@event` holds the fields that several
types share.
"""

from app.events.catalogue import accounts, banks, delivery, orders, wallets

__all__ = ["accounts", "banks", "delivery", "orders", "wallets"]
