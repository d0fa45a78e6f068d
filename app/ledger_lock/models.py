"""The table that is the ledger lock."""

from typing import Final

from sqlalchemy import Column, SmallInteger, Table

from app.common.columns import mutable
from app.common.db import Base

#: Always empty. Only its table lock is used, because LOCK TABLE takes no snapshot: a transaction
#: that waited for it sees everything that was committed before (docs/decisions/0003).
#: LOCK TABLE requires the right to change or delete rows.
LEDGER_LOCK: Final = Table(
    "money_gate",
    Base.metadata,
    Column("id", SmallInteger, primary_key=True),
    **mutable(deleted=True),
)
