"""SQL of the ledger lock."""

from typing import Final

from sqlalchemy.orm import Session

from app.common.driver import send, wait
from app.ledger_lock.models import LEDGER_LOCK

_LOCK: Final = f"LOCK TABLE {LEDGER_LOCK.name} IN SHARE UPDATE EXCLUSIVE MODE"


def lock(session: Session) -> None:
    send(session, _LOCK)
    wait(session)
