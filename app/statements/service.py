"""Statements: what a wallet's postings of a period come to, and the postings themselves.

A period is a run of the wallet's gapless sequence, found by halving. Postings never change, so
they are read in short pieces, each with a snapshot of its own, and tie together all the same
(docs/decisions/0009).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.statements import repository
from app.statements.errors import PeriodInvalid, StatementBroken, StatementTooLong
from app.wallets import service as wallets
from app.wallets.models import WalletTransaction, WalletTransactionRow
from app.wallets.service import Period

#: What is stated of, unless asked otherwise: this long until `to`.
DEFAULT_PERIOD: Final = timedelta(days=30)
#: Postings that are read at a time.
PIECE: Final = 1000


@dataclass(frozen=True, slots=True)
class Total:
    """What postings of one type come to. coming, going: minor units, both positive."""

    type: str
    count: int
    coming: int
    going: int


@dataclass(frozen=True, slots=True)
class Statement:
    """All of a statement but its postings. opening, closing: minor units of the wallet."""

    holder: User
    period: Period
    since: datetime
    until: datetime
    issued_at: datetime
    opening: int
    closing: int
    totals: Sequence[Total]

    @property
    def currency(self) -> str:
        return self.period.wallet.currency

    @property
    def coming(self) -> int:
        return sum(total.coming for total in self.totals)

    @property
    def going(self) -> int:
        return sum(total.going for total in self.totals)


def draw_up(
    session: Session,
    *,
    holder: User,
    currency: str,
    maximum: int,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Statement:
    """State a period of the holder's wallet: from `since`, included, until `until`, left out.

    until: now by default, and now if it is in the future; since: 30 days before that by default;
    most: postings at most.
    Raises PeriodInvalid, StatementTooLong, WalletNotFound.
    """
    now = clock.now()
    until = min(until, now).astimezone(UTC) if until is not None else now
    since = since.astimezone(UTC) if since is not None else _default_since(until)
    if since >= until:
        raise PeriodInvalid
    wallet = wallets.account_of(session, user_id=holder.id, currency=currency)
    period = wallets.period(session, wallet, since=since, until=until)
    if period.count > maximum:
        raise StatementTooLong(count=period.count, maximum=maximum)
    rows = repository.totals(session, wallet_id=wallet.id, first=period.first, last=period.last)
    balances = repository.balances_after(
        session, wallet_id=wallet.id, sequences=[period.first - 1, period.last]
    )
    opening = balances.get(period.first - 1, 0)
    statement = Statement(
        holder=holder,
        period=period,
        since=since,
        until=until,
        issued_at=now,
        opening=opening,
        closing=balances[period.last] if period.count else opening,
        totals=[Total(*row) for row in rows],
    )
    _require_tied(statement)
    return statement


def _default_since(until: datetime) -> datetime:
    # There is no time 30 days before the first month of all.
    return until - DEFAULT_PERIOD if until.year > 1 else until


def _require_tied(statement: Statement) -> None:
    moved = statement.coming - statement.going
    counted = sum(total.count for total in statement.totals)
    if statement.opening + moved != statement.closing or counted != statement.period.count:
        raise StatementBroken(f"wallet {statement.period.wallet.id}: opening, sum and closing")


def postings(
    statement: Statement, *, reading: Callable[[], AbstractContextManager[Session]]
) -> Iterator[Sequence[WalletTransaction]]:
    """The postings of a statement, oldest first, in pieces.

    reading: opens a session for one short read, so that a slow reader holds no connection.
    Raises StatementBroken unless each begins where the one before it ended, and the last ends
    with the closing balance.
    """
    period, balance = statement.period, statement.opening
    for first in range(period.first, period.last + 1, PIECE):
        last = min(first + PIECE - 1, period.last)
        with reading() as session:
            rows = repository.postings(session, wallet_id=period.wallet.id, first=first, last=last)
            piece = [WalletTransactionRow(*row) for row in rows]
        for expected, line in zip(range(first, last + 1), piece, strict=True):
            if (line.sequence, line.balance_before) != (expected, balance):
                raise StatementBroken(f"posting {line.id} does not follow the one before it")
            balance = line.balance_after or 0
        yield piece
    if balance != statement.closing:
        raise StatementBroken(f"wallet {period.wallet.id}: the postings end elsewhere")
