"""Transactions of whoever moves money without a request that waits for it."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from app.common.db import retry_transaction
from app.wallets import service

T = TypeVar("T")


def in_line(work: Callable[[Session], T]) -> T:
    """Do `work` in a transaction of its own, in line with all who move money.

    Raises what `work` and `retry_transaction` raise.
    """
    return retry_transaction(partial(_attempt, work))


def _attempt(work: Callable[[Session], T], session: Session) -> T:
    service.stand_in_line(session, alone=False)
    return work(session)
