"""What is known about transactions and requests while they happen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.common import clock
from app.insights.requests import service as requests
from app.insights.requests.service import Requests
from app.insights.transactions import service as transactions
from app.insights.transactions.service import RECENT, Minute, Sums, list_latest
from app.insights.uptime import service as uptimes
from app.insights.uptime.service import Uptime

__all__ = ["Minute", "Stats", "Sums", "list_latest", "stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """What an operator sees at a glance.

    totals: of all transactions, by currency; minutes: those of the last hour with transactions,
    newest first, of which the first may not be over; requests: of the last hour.
    """

    at: datetime
    totals: Sequence[Sums]
    minutes: Sequence[Minute]
    requests: Requests
    uptime: Uptime

    @property
    def approved(self) -> int:
        return sum(each.approved for each in self.totals)

    @property
    def declined(self) -> int:
        return sum(each.declined for each in self.totals)

    @property
    def reviewed(self) -> int:
        return sum(each.reviewed for each in self.totals)

    @property
    def decided(self) -> int:
        return self.approved + self.declined

    @property
    def approval_rate(self) -> float | None:
        """Per cent of the decided transactions; None without any."""
        return round(100 * self.approved / self.decided, 2) if self.decided else None

    @property
    def last_minute(self) -> int:
        """Transactions decided in the last minute that is over."""
        before = int(self.at.timestamp()) // 60 * 60 - 60
        return sum(each.decided for each in self.minutes if each.starts_at.timestamp() == before)

    @property
    def average_latency_ms(self) -> float | None:
        """From the arrival of a request to the decision, in the last hour; None if it was not
        measured."""
        sums = [each for minute in self.minutes for each in minute.sums]
        measured = sum(each.measured for each in sums)
        total = sum(each.latency_ms for each in sums)
        return round(total / measured, 2) if measured else None


def stats(session: Session) -> Stats:
    return Stats(
        at=clock.now(),
        totals=transactions.get_totals(session),
        minutes=transactions.get_recent_minutes(session),
        requests=requests.of_window(session, RECENT),
        uptime=uptimes.get_uptime(session),
    )
