"""The ledger lock: every transaction that changes a balance holds it, so there is one at a time.

A SERIALIZABLE transaction always fails if it waits for a row that another transaction changes. With
the lock, which is acquired before its snapshot is taken, none of them ever does
(docs/decisions/0003).
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


def ledger_transaction(work: Callable[[Session], T], *, pipelined: bool = False) -> T:
    """Run `work(session)` in a SERIALIZABLE transaction that holds the ledger lock from its first
    statement.

    pipelined: as `driver.start_pipeline` says. Retried as a whole, as `retry_transaction` says.
    Raises what these two raise.
    """

    def attempt(session: Session) -> T:
        if pipelined:
            start_pipeline(session)
        acquire_ledger_lock(session)
        return work(session)

    return retry_transaction(attempt, serializable=True)


def acquire_ledger_lock(session: Session) -> None:
    """Hold the ledger lock until the transaction ends.

    Only for READ COMMITTED transactions that take it late, to hold it for a shorter time.
    SERIALIZABLE ones need it before their snapshot, which `ledger_transaction` guarantees.
    """
    repository.lock(session)
    session.info[_HELD] = True


def require_ledger_lock(session: Session) -> None:
    """Require that this transaction holds the lock. Raises LedgerLockNotHeld."""
    if _HELD not in session.info:
        raise LedgerLockNotHeld
