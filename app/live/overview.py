"""The latest transactions and their sums, read at most once a second for all callers who see
everything."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from app.common.db import reading
from app.common.money import format_minor
from app.insights import service as insights
from app.live.access import Viewer
from app.live.feed import Feed
from app.live.transactions import Transaction, as_list

_CACHE_SECONDS: Final = 1.0
#: Transactions that are read at once.
_LATEST: Final = 100
_MINUTES: Final = 60


class Overview:
    """currency: of the sums of money."""

    def __init__(self, feed: Feed, *, currency: str) -> None:
        self._feed = feed
        self._currency = currency
        #: The latest read of each, with when it began.
        self._reads: dict[str, tuple[float, asyncio.Task[Any]]] = {}

    async def transactions(self, viewer: Viewer, limit: int) -> tuple[int, bytes]:
        """The number of the latest transactions that the viewer may see, and their JSON."""
        found: Sequence[Transaction]
        if viewer.sees_all:
            found = await self._once("latest", lambda: self._feed.in_thread(_list_latest))
        else:
            found = await self._feed.in_thread(_list_own, viewer.user_id, limit)
        shown = found[:limit]
        return len(shown), as_list(shown, with_risk=viewer.sees_risk)

    async def stats(self) -> bytes:
        """The sums of all transactions, as JSON."""
        return await self._once(  # type: ignore[no-any-return]
            "stats", lambda: self._feed.in_thread(_stats, self._currency)
        )

    async def _once(self, name: str, read: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        begun_at, shared = self._reads.get(name, (0.0, None))
        now = time.monotonic()
        # Whoever asks while it is being read gets the same answer, or the same failure.
        if shared is None or (shared.done() and now - begun_at >= _CACHE_SECONDS):
            shared = asyncio.create_task(read())
            self._reads[name] = (now, shared)
        return await asyncio.shield(shared)


def _list_latest() -> Sequence[Transaction]:
    with reading() as session:
        return [Transaction.of(row) for row in insights.list_latest(session, _LATEST)]


def _list_own(user_id: UUID, limit: int) -> Sequence[Transaction]:
    """What a user has paid or is paid as a merchant, newest first."""
    with reading() as session:
        paid = insights.list_latest(session, limit, user_id=user_id)
        received = insights.list_latest(session, limit, merchant_id=user_id)
        rows = {row.id: row for row in (*paid, *received)}
        return [Transaction.of(rows[number]) for number in sorted(rows, reverse=True)]


def _stats(currency: str) -> bytes:
    """Sums of money are of one currency, because amounts of others cannot be added to it. What has
    not been measured yet is 0, which clients calculate with."""
    with reading() as session:
        found = insights.stats(session)

    def amount(minor: int) -> orjson.Fragment:
        return orjson.Fragment(format_minor(minor, currency))

    totals = [each for each in found.totals if each.currency == currency]
    average = next((each.average_amount for each in totals), None)
    return orjson.dumps(
        {
            "approvalRate": found.approval_rate or 0,
            "totalTransactions": found.decided + found.reviewed,
            "approvedTransactions": found.approved,
            "declinedTransactions": found.declined,
            "averageApprovedAmount": amount(average or 0),
            "totalVolume": amount(sum(each.volume for each in totals)),
            "transactionsLastMinute": found.last_minute,
            "volumePerMinute": [
                {
                    "minute": minute.starts_at.isoformat(),
                    "count": minute.decided,
                    "volume": amount(
                        sum(each.volume for each in minute.sums if each.currency == currency)
                    ),
                }
                for minute in found.minutes[:_MINUTES]
            ],
            "systemMetrics": {
                "averageLatency": found.average_latency_ms or 0,
                "uptime": found.uptime.percent or 0,
                "processedTransactions": found.decided,
                "transactionsPerSecond": f"{found.last_minute / 60:.2f}",
            },
        }
    )
