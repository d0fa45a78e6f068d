"""From the feed of transactions to the hub: the table, the stream in Redis, the streams.

The table is the truth. Its IDs grow in the order in which the relay adds transactions, so what is
new is what has a greater ID, and an entry of the stream has the ID of its transaction: appending it
twice is refused by Redis, whoever else does it. A Redis that is away or was flushed delays nothing
and loses nothing: streams then get transactions directly, and clients that reconnect get what they
missed from the table.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar, cast

import redis.asyncio
import structlog
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.common import redis_sentinel
from app.common.db import reading
from app.insights import service as insights
from app.live.hub import Hub, Stream
from app.live.transactions import Transaction

T = TypeVar("T")

#: The stream in Redis.
KEY: Final = "live:transactions"
#: Seconds between two looks at the table, with and without open streams.
_PAUSE_SECONDS, _IDLE_PAUSE_SECONDS = 0.1, 1.0
#: After a failure.
_RETRY_SECONDS: Final = 1.0
#: Transactions that are passed on at once.
_BATCH: Final = 100
#: Transactions that a client can have missed. One that missed more is told to load the list anew.
MAX_MISSED: Final = 2000
#: For an answer of Redis, and for an entry before it answers that there is none.
_REDIS_SECONDS: Final = 1.0
_BLOCK_SECONDS: Final = 5

_STALE: Final = "equal or smaller"

_log = structlog.get_logger()


class Feed:
    """Reads the feed. stream_length: about how many entries the stream in Redis keeps."""

    def __init__(self, hub: Hub, redis_url: str, *, stream_length: int) -> None:
        self._hub = hub
        self._stream_length = stream_length
        self._redis = _connect(redis_url, seconds=_REDIS_SECONDS)
        self._waiting_redis = _connect(redis_url, seconds=_REDIS_SECONDS + _BLOCK_SECONDS)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="database")
        self._catching_up = asyncio.Semaphore(4)
        self._last_id = self._received_id = 0
        #: Set while Redis answers, and its stream is known to be of this database.
        self._redis_answers = asyncio.Event()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Pass on transactions until cancelled."""
        await self._start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(forever(self._append))
            tasks.create_task(forever(self._receive))

    async def close(self) -> None:
        await _close(self._redis)
        await _close(self._waiting_redis)
        self._threads.shutdown(wait=False)

    def wake(self) -> None:
        """Look at the table now: there is a new stream."""
        self._wake.set()

    async def in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """The result of a call that waits for the database."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, call, *arguments)

    async def catch_up(self, stream: Stream, *, last_id: int | None) -> bool:
        """Send what was missed since `last_id`, None: nothing, and let it join the hub.

        Returns False if too much was missed; then it joins all the same.
        """
        stream.last_id = self._hub.position if last_id is None else last_id
        is_complete = self._hub.position - stream.last_id <= MAX_MISSED
        if is_complete:
            async with self._catching_up:
                await self._send_missed(stream)
        # No `await` since the hub's position was compared.
        self._hub.join(stream)
        self.wake()
        return is_complete

    async def _send_missed(self, stream: Stream) -> None:
        while stream.last_id < self._hub.position:
            found = await self._list_after(stream.last_id)
            missed = [each for each in found if each.id <= self._hub.position]
            if not missed:
                return
            stream.send(missed)
            stream.last_id = missed[-1].id

    async def _list_after(self, last_id: int) -> Sequence[Transaction]:
        """The next transactions: from Redis if its stream reaches back so far."""
        try:
            found: Any = await self._redis.xrange(KEY, f"{last_id}-0", count=_BATCH + 1)
            entries = [Transaction.from_entry(*entry) for entry in found or ()]
        except (redis.RedisError, KeyError, ValueError):
            entries = []
        if entries and entries[0].id == last_id:
            return entries[1:]
        return await self.in_thread(_list_after, last_id)

    async def _start(self) -> None:
        """Begin behind the newest transaction. Waits for the database."""
        while True:
            try:
                latest = await self.in_thread(_list_latest, 1)
            except (DBAPIError, PoolTimeout) as error:
                _log.warning("live_feed_waits", error=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._last_id = self._hub.position = latest[0].id if latest else 0
                return

    async def _append(self) -> None:
        """Append what is new in the table to the stream in Redis."""
        if not self._redis_answers.is_set():
            await self._find_end()
        rows = await self.in_thread(_list_after, self._last_id)
        if rows:
            self._last_id = rows[-1].id
            if not self._redis_answers.is_set() or not await self._add(rows):
                self._hub.publish(rows)
        if len(rows) < _BATCH:
            await self._rest()

    async def _rest(self) -> None:
        self._wake.clear()
        pause = _PAUSE_SECONDS if len(self._hub) else _IDLE_PAUSE_SECONDS
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_PAUSE_SECONDS)

    async def _find_end(self) -> None:
        """Continue behind the last entry of the stream, once Redis answers again."""
        try:
            last = cast("list[Any]", await self._redis.xrevrange(KEY, count=1))
        except (redis.RedisError, OSError):
            return
        newest = await self.in_thread(_list_latest, 1)
        end = newest[0].id if newest else 0
        last_id = _number_of(last[0][0]) if last else 0
        if last_id > end:  # of another database
            await self._redis.delete(KEY)
            last_id = self._received_id = 0
        # A stream that is far behind begins anew with what clients may have missed.
        self._last_id = max(last_id, end - MAX_MISSED)
        self._redis_answers.set()

    async def _add(self, rows: Sequence[Transaction]) -> bool:
        """Returns whether the stream in Redis has all of them."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for each in rows:
                    fields = cast("dict[Any, Any]", each.to_entry())
                    pipeline.xadd(
                        KEY, fields, id=f"{each.id}-0", maxlen=self._stream_length, approximate=True
                    )
                replies = await pipeline.execute(raise_on_error=False)
        except (redis.RedisError, OSError):
            replies = [redis.ConnectionError()]
        failed = [
            reply for reply in replies if isinstance(reply, Exception) and _STALE not in str(reply)
        ]
        if failed:
            self._redis_answers.clear()
        return not failed

    async def _receive(self) -> None:
        """Pass on the next entries of the stream in Redis."""
        # Before that, it may have entries of another database, after which ours would look old.
        await self._redis_answers.wait()
        since = max(self._hub.position, self._received_id)
        reply: Any = await self._waiting_redis.xread(
            {KEY: f"{since}-0"}, count=_BATCH, block=1000 * _BLOCK_SECONDS
        )
        for _, entries in reply.items() if isinstance(reply, dict) else reply or ():
            self._received_id = _number_of(entries[-1][0])
            found = [_from_entry(entry) for entry in entries]
            self._hub.publish([each for each in found if each is not None])


async def forever(step: Callable[[], Awaitable[None]]) -> None:
    """Take a step again and again until cancelled, also while Redis or the database is away."""
    works = True
    while True:
        try:
            await step()
        except (redis.RedisError, OSError, DBAPIError, PoolTimeout) as error:
            if works:
                _log.warning("live_feed_failed", step=step.__name__, error=type(error).__name__)
            works = False
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            works = True


def _connect(redis_url: str, *, seconds: float) -> redis.asyncio.Redis:
    limits: dict[str, Any] = {"socket_timeout": seconds, "socket_connect_timeout": _REDIS_SECONDS}
    primary = redis_sentinel.parse(redis_url)
    if primary is None:
        return redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=seconds, socket_connect_timeout=_REDIS_SECONDS
        )
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        primary.sentinels, sentinel_kwargs={**primary.login, **limits}
    )
    client = sentinels.master_for(primary.name, **primary.options, **limits)
    return cast("redis.asyncio.Redis", client)


async def _close(client: redis.asyncio.Redis) -> None:
    """Close the connections to Redis, and to its Sentinels."""
    await client.aclose()
    if isinstance(client.connection_pool, SentinelConnectionPool):
        await client.connection_pool.sentinel_manager.aclose()


def _from_entry(entry: Any) -> Transaction | None:
    try:
        return Transaction.from_entry(*entry)
    except (KeyError, ValueError):
        _log.warning("live_entry_invalid", entry=str(entry[0]))
        return None


def _number_of(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _list_after(last_id: int) -> Sequence[Transaction]:
    with reading() as session:
        rows = insights.list_after(session, last_id, limit=_BATCH)
        return [Transaction.of(row) for row in rows]


def _list_latest(limit: int) -> Sequence[Transaction]:
    with reading() as session:
        return [Transaction.of(row) for row in insights.list_latest(session, limit)]
