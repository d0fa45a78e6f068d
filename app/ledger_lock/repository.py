"""SQL of the ledger lock."""

from typing import Final

from sqlalchemy.orm import Session

from app.common.driver import send, wait
from app.ledger_lock.models import LEDGER_LOCK

# SHARE does not conflict with itself, and SHARE UPDATE EXCLUSIVE conflicts with both.
_SHARED: Final = f"LOCK TABLE {LEDGER_LOCK.name} IN SHARE MODE"
_EXCLUSIVE: Final = f"LOCK TABLE {LEDGER_LOCK.name} IN SHARE UPDATE EXCLUSIVE MODE"


def lock(session: Session, *, exclusive: bool) -> None:
    send(session, _EXCLUSIVE if exclusive else _SHARED)
    wait(session)
