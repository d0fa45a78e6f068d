"""Transactions on request: the traffic simulator makes them through the public API."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from app.administration.traffic import service as simulator
from app.common.db import reading
from app.common.errors import Unavailable
from app.insights import service as insights
from app.live.feed import Feed
from app.live.transactions import Transaction

#: The relay adds it to the feed within a fraction of a second.
_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05

_making: Final = asyncio.Lock()


async def generate(feed: Feed) -> Transaction:
    """One new transaction, once it is in the feed. Raises Unavailable, TrafficUnavailable."""
    async with _making:  # the payer of the simulator's single transactions is always the same
        before = await feed.in_thread(_newest)
        made = await feed.in_thread(simulator.make_once)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            found = await feed.in_thread(_list_paid_by, made.user_id)
            if new := [each for each in found if each.id > before]:
                return new[-1]
            await asyncio.sleep(_POLL_SECONDS)
    raise Unavailable("The transaction was made, but is not in the feed yet.")


async def start(feed: Feed, *, interval: int) -> None:
    """Make a transaction every `interval` milliseconds. Raises TrafficUnavailable."""
    await feed.in_thread(simulator.start, interval)


async def stop(feed: Feed) -> None:
    """Raises TrafficUnavailable."""
    await feed.in_thread(simulator.stop)


def _newest() -> int:
    with reading() as session:
        latest = insights.list_latest(session, 1)
        return latest[0].id if latest else 0


def _list_paid_by(user_id: UUID) -> Sequence[Transaction]:
    with reading() as session:
        return [Transaction.of(row) for row in insights.list_latest(session, 1, user_id=user_id)]
