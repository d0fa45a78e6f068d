"""Statements: totals and postings of a wallet in a period.

A period is a range of the wallet's gapless sequence, found by binary search. Postings never change,
so they are read in short chunks, each with its own snapshot, and are consistent nevertheless
(docs/decisions/0009).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.time_range import TimeRange
from app.statements import repository
from app.statements.errors import StatementInconsistent, StatementTooLong
from app.wallets import service as wallets
from app.wallets.models import WalletTransactionRow
from app.wallets.service import NumberedPosting, Period

#: Default length of the period before `to`.
DEFAULT_PERIOD: Final = timedelta(days=30)
#: Postings read per query.
CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Total:
    """Totals of one transaction type. incoming, outgoing: minor units, both positive."""

    type: str
    count: int
    incoming: int
    outgoing: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement without its postings. opening, closing: minor units of the wallet; time_zone: of
    the times that people read."""

    holder: User
    period: Period
    since: datetime
    until: datetime
    issued_at: datetime
    opening: int
    closing: int
    totals: Sequence[Total]
    time_zone: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def currency(self) -> str:
        return self.period.wallet.currency

    @property
    def incoming(self) -> int:
        return sum(total.incoming for total in self.totals)

    @property
    def outgoing(self) -> int:
        return sum(total.outgoing for total in self.totals)


def create_statement(
    session: Session,
    *,
    holder: User,
    currency: str,
    maximum: int,
    within: TimeRange,
) -> Statement:
    """Statement of the holder's wallet in a period, by default the last 30 days.

    maximum: maximum number of postings.
    Raises PeriodInvalid, StatementTooLong, WalletNotFound.
    """
    now = clock.now()
    since, until = within.closed(now=now, length=DEFAULT_PERIOD)
    wallet = wallets.require_wallet(session, user_id=holder.id, currency=currency)
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
        time_zone=within.zone.key,
    )
    _require_consistent(statement)
    return statement


def _require_consistent(statement: Statement) -> None:
    moved = statement.incoming - statement.outgoing
    counted = sum(total.count for total in statement.totals)
    if statement.opening + moved != statement.closing or counted != statement.period.count:
        raise StatementInconsistent(
            f"wallet {statement.period.wallet.id}: totals do not match the balances"
        )


def postings(
    statement: Statement, *, reading: Callable[[], AbstractContextManager[Session]]
) -> Iterator[Sequence[NumberedPosting]]:
    """The postings of a statement, oldest first, in chunks, each with the number of its order.

    reading: opens a session for one short read, so that a slow reader holds no connection.
    Raises StatementInconsistent unless each starts with the balance after the previous one, and the
    last ends with the closing balance.
    """
    period, balance = statement.period, statement.opening
    for first in range(period.first, period.last + 1, CHUNK):
        last = min(first + CHUNK - 1, period.last)
        with reading() as session:
            rows = repository.postings(session, wallet_id=period.wallet.id, first=first, last=last)
            chunk = wallets.with_order_numbers(
                session, [WalletTransactionRow(*row) for row in rows]
            )
        for expected, (line, _) in zip(range(first, last + 1), chunk, strict=True):
            if (line.sequence, line.balance_before) != (expected, balance):
                raise StatementInconsistent(f"posting {line.id} does not follow the previous one")
            balance = line.balance_after or 0
        yield chunk
    if balance != statement.closing:
        raise StatementInconsistent(
            f"wallet {period.wallet.id}: the postings do not end with the closing balance"
        )
