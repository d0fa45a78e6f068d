"""The ledger lock: every transaction that changes a balance holds it.

A SERIALIZABLE transaction always fails if it waits for a row that another transaction changes. So
batches of purchases hold the lock exclusively, and transactions that lock single wallets share it:
none of them ever waits for a row that a batch has read (docs/decisions/0003).
"""

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy.orm import Session

from app.common.db import retry_transaction
from app.common.driver import start_pipeline
from app.ledger_lock import repository

T = TypeVar("T")

_HELD: Final = "ledger_lock"


class LedgerLockNotHeld(AssertionError):
    """A bug in the caller: it changes balances outside of a ledger transaction."""


def ledger_transaction(
    work: Callable[[Session], T], *, exclusive: bool, pipelined: bool = False
) -> T:
    """Run `work(session)` in a transaction that holds the ledger lock from its first statement.

    exclusive: SERIALIZABLE and alone; otherwise READ COMMITTED, together with others that share
    the lock. pipelined: as `driver.start_pipeline` says. Retried as a whole, as
    `retry_transaction` says. Raises what these two raise.
    """

    def attempt(session: Session) -> T:
        if pipelined:
            start_pipeline(session)
        acquire_ledger_lock(session, exclusive=exclusive)
        return work(session)

    return retry_transaction(attempt, serializable=exclusive)


def acquire_ledger_lock(session: Session, *, exclusive: bool) -> None:
    """Hold the ledger lock until the transaction ends.

    Only for READ COMMITTED transactions that take it late, to hold it for a shorter time.
    SERIALIZABLE ones need it before their snapshot, which `ledger_transaction` guarantees.
    """
    repository.lock(session, exclusive=exclusive)
    session.info[_HELD] = "exclusive" if exclusive else "shared"


def require_ledger_lock(session: Session, *, exclusive: bool = False) -> None:
    """Require that this transaction holds the lock. exclusive: and that it holds it exclusively.

    Raises LedgerLockNotHeld.
    """
    held = session.info.get(_HELD)
    if held is None or (exclusive and held != "exclusive"):
        raise LedgerLockNotHeld(f"held: {held}")
