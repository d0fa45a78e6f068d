"""The Redis cache, without which every request still succeeds."""

import threading
import time
from typing import Any

import pytest
import redis
from flask import Flask

from app.common import cache, redis_client
from app.common.cache import Region
from tests.concurrency import all_at_once


class Builder:
    """Builds a new value on each call, and counts the calls."""

    def __init__(self, *, seconds: float = 0) -> None:
        self.seconds = seconds
        self.times = 0
        self._lock = threading.Lock()

    def __call__(self) -> bytes:
        with self._lock:
            self.times += 1
            number = self.times
        time.sleep(self.seconds)
        return f"answer {number}".encode()


class Outage:
    """A Redis client whose server can be made unreachable. calls: attempts in the meantime."""

    def __init__(self, client: "redis.Redis[bytes]") -> None:
        self.client = client
        self.is_down = False
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        if self.is_down and name != "connection_pool":
            self.calls += 1
            raise redis.ConnectionError("down")
        return getattr(self.client, name)


@pytest.fixture
def client(app: Flask) -> "redis.Redis[bytes]":
    client: redis.Redis[bytes] = cache.client()
    return client


@pytest.fixture
def region(client: "redis.Redis[bytes]") -> Region:
    return Region(client, "things", ttl=60)


@pytest.fixture
def store(client: "redis.Redis[bytes]") -> Any:
    return Outage(client)


class TestFetching:
    def test_a_value_is_built_once(self, region: Region) -> None:
        build = Builder()

        assert [region.fetch("a", build) for _ in range(3)] == [b"answer 1"] * 3

    def test_keys_are_independent(self, region: Region) -> None:
        build = Builder()

        assert [region.fetch(key, build) for key in ("a", "b", "a")] == [
            b"answer 1",
            b"answer 2",
            b"answer 1",
        ]

    def test_regions_are_independent(self, region: Region, client: "redis.Redis[bytes]") -> None:
        other = Region(client, "others", ttl=60)
        build = Builder()
        region.fetch("a", build)
        other.fetch("a", build)

        region.invalidate()

        assert other.fetch("a", build) == b"answer 2"
        assert region.fetch("a", build) == b"answer 3"

    def test_processes_share_a_region(self, region: Region, client: "redis.Redis[bytes]") -> None:
        build = Builder()
        another_process = Region(client, "things", ttl=60)

        assert region.fetch("a", build) == another_process.fetch("a", build)
        another_process.invalidate()
        assert region.fetch("a", build) == b"answer 2"

    def test_a_value_may_be_empty_or_any_bytes(self, region: Region) -> None:
        everything = bytes(range(256))

        assert [region.fetch("empty", lambda: b"") for _ in range(2)] == [b"", b""]
        assert [region.fetch("all", lambda: everything) for _ in range(2)] == [everything] * 2

    def test_a_value_expires_after_its_ttl(self, client: "redis.Redis[bytes]") -> None:
        region = Region(client, "things", ttl=7)
        region.fetch("a", Builder())

        assert 0 < client.ttl("things:a") <= 7

    def test_an_error_of_the_builder_is_raised_and_not_cached(self, region: Region) -> None:
        def fail() -> bytes:
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            region.fetch("a", fail)

        started = time.monotonic()
        assert region.fetch("a", Builder()) == b"answer 1"
        assert time.monotonic() - started < 0.5


class TestInvalidating:
    def test_every_value_is_rebuilt(self, region: Region) -> None:
        build = Builder()
        region.fetch("a", build)
        region.fetch("b", build)

        region.invalidate()

        assert region.fetch("a", build) == b"answer 3"
        assert region.fetch("b", build) == b"answer 4"

    def test_a_value_built_during_the_invalidation_is_not_cached(self, region: Region) -> None:
        """Because the builder has read old rows."""

        def build_during_invalidation() -> bytes:
            region.invalidate()
            return b"old"

        assert region.fetch("a", build_during_invalidation) == b"old"
        assert region.fetch("a", Builder()) == b"answer 1"


class TestConcurrency:
    def test_concurrent_fetches_build_once(self, region: Region) -> None:
        build = Builder(seconds=0.1)

        answers = all_at_once(lambda _: region.fetch("a", build), range(20), threads=20)

        assert answers == [b"answer 1"] * 20
        assert build.times == 1

    def test_concurrent_fetches_after_an_invalidation_build_once(self, region: Region) -> None:
        region.fetch("a", Builder())
        region.invalidate()
        build = Builder(seconds=0.1)

        all_at_once(lambda _: region.fetch("a", build), range(20), threads=20)

        assert build.times == 1

    def test_a_miss_just_before_the_value_is_stored_does_not_build_again(
        self, region: Region, client: "redis.Redis[bytes]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build = Builder()
        others = iter([lambda: region.fetch("a", build)])
        read = region._read

        def read_before_another_builds(key: str) -> Any:
            seen = read(key)
            for fetch in others:
                fetch()
            return seen

        monkeypatch.setattr(region, "_read", read_before_another_builds)

        assert region.fetch("a", build) == b"answer 1"
        assert build.times == 1

    def test_a_failed_builder_does_not_delay_the_others(self, region: Region) -> None:
        first = threading.Event()

        def fail_first() -> bytes:
            if not first.is_set():
                first.set()
                time.sleep(0.05)
                raise RuntimeError("no")
            return b"built"

        def fetch(_: int) -> bytes:
            try:
                return region.fetch("a", fail_first)
            except RuntimeError:
                return b"failed"

        answers = all_at_once(fetch, range(8), threads=8)

        assert sorted(set(answers)) == [b"built", b"failed"]
        assert answers.count(b"failed") == 1

    def test_a_builder_that_died_is_waited_for_until_the_timeout(
        self, region: Region, client: "redis.Redis[bytes]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "_BUILD_SECONDS", 0.1)
        region.fetch("other", Builder())  # so that the region has its tag
        client.set("things:a:building", b"1")  # by a process that died

        assert region.fetch("a", Builder()) == b"answer 1"


class TestWithoutRedis:
    def test_every_fetch_builds(self) -> None:
        region = Region(redis_client.connect("redis://127.0.0.1:1/0"), "things", ttl=60)
        build = Builder()

        assert [region.fetch("a", build) for _ in range(3)] == [
            b"answer 1",
            b"answer 2",
            b"answer 3",
        ]
        region.invalidate()

    def test_redis_is_used_again_after_the_outage(self, store: Any) -> None:
        region = Region(store, "things", ttl=60)
        build = Builder()
        store.is_down = True
        region.fetch("a", build)

        store.is_down = False

        assert region.fetch("a", build) == region.fetch("a", build) == b"answer 2"

    def test_an_invalidation_during_an_outage_takes_effect_afterwards(self, store: Any) -> None:
        region = Region(store, "things", ttl=60)
        build = Builder()
        assert region.fetch("a", build) == b"answer 1"

        store.is_down = True
        region.invalidate()
        store.is_down = False

        assert region.fetch("a", build) == b"answer 2"
        assert region.fetch("a", build) == b"answer 2"

    def test_an_invalidation_is_retained_during_the_whole_outage(self, store: Any) -> None:
        region = Region(store, "things", ttl=60)
        build = Builder()
        region.fetch("a", build)

        store.is_down = True
        region.invalidate()
        region.fetch("a", build)
        region.fetch("a", build)
        store.is_down = False

        assert region.fetch("a", build) == b"answer 4"

    def test_an_outage_while_building_only_prevents_caching(self, store: Any) -> None:
        region = Region(store, "things", ttl=60)

        def build() -> bytes:
            store.is_down = True
            return b"built"

        assert region.fetch("a", build) == b"built"

    def test_an_error_of_the_builder_is_raised_even_if_redis_fails_too(self, store: Any) -> None:
        region = Region(store, "things", ttl=60)

        def fail() -> bytes:
            store.is_down = True
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            region.fetch("a", fail)
