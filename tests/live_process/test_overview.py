"""Lists and sums are read once for all who ask at the same time."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from app.live.feed import Feed
from app.live.overview import Overview


class SlowFeed:
    """Counts what is read."""

    def __init__(self) -> None:
        self.reads = 0

    async def in_thread(self, _: Callable[..., Any], *__: Any) -> bytes:
        self.reads += 1
        await asyncio.sleep(0.02)
        return b"%d" % self.reads


def test_who_asks_meanwhile_gets_the_same_answer() -> None:
    feed = SlowFeed()
    overview = Overview(cast("Feed", feed), currency="USD")

    async def ask() -> list[bytes]:
        return await asyncio.gather(*(overview.stats() for _ in range(50)))

    assert asyncio.run(ask()) == [b"1"] * 50
    assert feed.reads == 1
