"""The local cache of a process: used without reading Redis, and never stale."""

import threading
import time

import pytest
import redis
from flask import Flask

from app.common import cache
from app.common.cache import Region
from tests.common.test_cache import Builder
from tests.concurrency import all_at_once
from tests.live import wait_until


class CountingClient:
    """A client that counts the reads of entries."""

    def __init__(self, client: "redis.Redis[bytes]") -> None:
        self._client = client
        self.reads = 0

    def mget(self, *names: str) -> object:
        self.reads += 1
        return self._client.mget(*names)

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


@pytest.fixture
def client(app: Flask) -> CountingClient:
    return CountingClient(cache.client())


@pytest.fixture
def region(client: CountingClient) -> Region:
    return Region(client, "local-things", ttl=60)  # type: ignore[arg-type]


@pytest.fixture
def other_process(app: Flask) -> Region:
    """The same region in another process."""
    return Region(cache.client(), "local-things", ttl=60)


def kill_subscriptions(client: CountingClient) -> None:
    assert client.client_kill_filter(_type="pubsub")  # type: ignore[operator]


def test_a_cached_entry_is_not_read_from_redis_again(
    region: Region, client: CountingClient
) -> None:
    build = Builder()
    region.fetch("a", build)
    region.fetch("a", build)  # from Redis, and kept
    reads = client.reads

    assert [region.fetch("a", build) for _ in range(20)] == [b"answer 1"] * 20
    assert client.reads == reads


def test_an_invalidation_by_another_process_affects_the_next_fetch(
    region: Region, other_process: Region
) -> None:
    build = Builder()

    for number in range(1, 200):
        assert region.fetch("a", build) == f"answer {number}".encode()
        assert region.fetch("a", build) == f"answer {number}".encode()
        assert region.fetch("a", build) == f"answer {number}".encode()
        other_process.invalidate()


def test_an_invalidation_while_the_subscription_is_down_takes_effect(
    region: Region, other_process: Region, client: CountingClient
) -> None:
    build = Builder()

    for number in range(1, 20):
        assert region.fetch("a", build) == f"answer {number}".encode()
        assert region.fetch("a", build) == f"answer {number}".encode()
        kill_subscriptions(client)
        other_process.invalidate()


def test_an_entry_read_before_an_invalidation_is_not_cached_after_it(
    region: Region, other_process: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Builder()
    region.fetch("a", build)
    read = region._read

    def read_then_invalidate(key: str) -> object:
        seen = read(key)
        other_process.invalidate()
        monkeypatch.setattr(region, "_read", read)
        return seen

    monkeypatch.setattr(region, "_read", read_then_invalidate)

    assert region.fetch("a", build) == b"answer 1"  # the value at the time of the read
    assert region.fetch("a", build) == b"answer 2"


def test_a_local_entry_expires_with_its_redis_entry(app: Flask) -> None:
    region = Region(cache.client(), "local-things", ttl=2)
    build = Builder()
    started = time.monotonic()
    for _ in range(3):
        region.fetch("a", build)

    wait_until(lambda: region.fetch("a", build) == b"answer 2")

    assert time.monotonic() - started < 2.5


def test_the_number_of_local_entries_is_limited(region: Region, client: CountingClient) -> None:
    build = Builder()
    for key in range(40):
        region.fetch(str(key), build)
        region.fetch(str(key), build)
    reads = client.reads

    region.fetch("39", build)
    assert client.reads == reads
    region.fetch("0", build)
    assert client.reads == reads + 1


def test_concurrent_threads_all_see_the_last_invalidation(
    region: Region, other_process: Region
) -> None:
    build = Builder()

    def invalidate_or_fetch(number: int) -> bytes:
        if number % 10 == 0:
            other_process.invalidate()
        return region.fetch("a", build)

    all_at_once(invalidate_or_fetch, range(200), threads=16)
    made = build.times
    other_process.invalidate()

    answers = all_at_once(lambda _: region.fetch("a", build), range(32), threads=16)
    assert set(answers) == {f"answer {made + 1}".encode()}


def test_a_hanging_redis_blocks_only_one_thread(app: Flask) -> None:
    released = threading.Event()

    class Hanging(CountingClient):
        def pubsub(self) -> object:
            released.wait(10)
            raise redis.ConnectionError("down")

    region = Region(Hanging(cache.client()), "local-things", ttl=60)  # type: ignore[arg-type]
    first = threading.Thread(target=region.fetch, args=("a", Builder()))
    first.start()
    started = time.monotonic()

    answers = all_at_once(lambda _: region.fetch("b", Builder()), range(16), threads=16)
    region.invalidate()

    assert set(answers) == {b"answer 1"}
    assert time.monotonic() - started < 5
    released.set()
    first.join()
