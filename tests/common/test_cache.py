"""A cache that is never needed."""

import threading
import time
from typing import Any

import pytest
import redis
from flask import Flask

from app.common import cache
from app.common.cache import Region
from tests.concurrency import all_at_once


class Builder:
    """Makes a new answer each time it is asked, and counts."""

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
    """A Redis that can be taken away. calls: how often somebody tried while it was."""

    def __init__(self, client: "redis.Redis[bytes]") -> None:
        self.client = client
        self.away = False
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        if self.away:
            self.calls += 1
            raise redis.ConnectionError("away")
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


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is tried again at once after a failure."""
    monkeypatch.setattr(cache, "_BACKOFF_SECONDS", 0)


class TestKeeping:
    def test_an_answer_is_built_once(self, region: Region) -> None:
        build = Builder()

        assert [region.fetch("a", build) for _ in range(3)] == [b"answer 1"] * 3

    def test_keys_are_apart(self, region: Region) -> None:
        build = Builder()

        assert [region.fetch(key, build) for key in ("a", "b", "a")] == [
            b"answer 1",
            b"answer 2",
            b"answer 1",
        ]

    def test_regions_are_apart(self, region: Region, client: "redis.Redis[bytes]") -> None:
        other = Region(client, "others", ttl=60)
        build = Builder()
        region.fetch("a", build)
        other.fetch("a", build)

        region.invalidate()

        assert other.fetch("a", build) == b"answer 2"
        assert region.fetch("a", build) == b"answer 3"

    def test_processes_share_it(self, region: Region, client: "redis.Redis[bytes]") -> None:
        build = Builder()
        another_process = Region(client, "things", ttl=60)

        assert region.fetch("a", build) == another_process.fetch("a", build)
        another_process.invalidate()
        assert region.fetch("a", build) == b"answer 2"

    def test_an_answer_may_be_empty_or_any_bytes(self, region: Region) -> None:
        everything = bytes(range(256))

        assert [region.fetch("empty", lambda: b"") for _ in range(2)] == [b"", b""]
        assert [region.fetch("all", lambda: everything) for _ in range(2)] == [everything] * 2

    def test_it_is_kept_no_longer_than_said(self, client: "redis.Redis[bytes]") -> None:
        region = Region(client, "things", ttl=7)
        region.fetch("a", Builder())

        assert 0 < client.ttl("things:a") <= 7

    def test_a_failure_to_build_is_raised_and_not_kept(self, region: Region) -> None:
        def fail() -> bytes:
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            region.fetch("a", fail)

        started = time.monotonic()
        assert region.fetch("a", Builder()) == b"answer 1"
        assert time.monotonic() - started < 0.5


class TestInvalidating:
    def test_everything_is_built_anew(self, region: Region) -> None:
        build = Builder()
        region.fetch("a", build)
        region.fetch("b", build)

        region.invalidate()

        assert region.fetch("a", build) == b"answer 3"
        assert region.fetch("b", build) == b"answer 4"

    def test_what_was_being_built_meanwhile_is_not_kept(self, region: Region) -> None:
        """The builder has read old rows; what it stores afterwards must not be found."""

        def overtaken() -> bytes:
            region.invalidate()
            return b"old"

        assert region.fetch("a", overtaken) == b"old"
        assert region.fetch("a", Builder()) == b"answer 1"


class TestAStampede:
    def test_twenty_at_once_build_once(self, region: Region) -> None:
        build = Builder(seconds=0.1)

        answers = all_at_once(lambda _: region.fetch("a", build), range(20), threads=20)

        assert answers == [b"answer 1"] * 20
        assert build.times == 1

    def test_twenty_at_once_after_an_invalidation_build_once(self, region: Region) -> None:
        region.fetch("a", Builder())
        region.invalidate()
        build = Builder(seconds=0.1)

        all_at_once(lambda _: region.fetch("a", build), range(20), threads=20)

        assert build.times == 1

    def test_who_looked_just_before_the_builder_was_done_does_not_build_again(
        self, region: Region, client: "redis.Redis[bytes]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build = Builder()
        looks = iter([lambda: region.fetch("a", build)])
        read = region._read

        def look_then_be_overtaken(key: str) -> Any:
            seen = read(key)
            for somebody_else in looks:
                somebody_else()
            return seen

        monkeypatch.setattr(region, "_read", look_then_be_overtaken)

        assert region.fetch("a", build) == b"answer 1"
        assert build.times == 1

    def test_a_builder_that_failed_does_not_hold_the_others_up(self, region: Region) -> None:
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

    def test_a_builder_that_died_is_waited_for_only_so_long(
        self, region: Region, client: "redis.Redis[bytes]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "_BUILD_SECONDS", 0.1)
        region.fetch("other", Builder())  # so that the region has its tag
        client.set("things:a:building", b"1")  # and nobody ever comes back

        assert region.fetch("a", Builder()) == b"answer 1"


class TestWithoutRedis:
    def test_everything_is_built_each_time(self) -> None:
        region = Region(cache.connect("redis://127.0.0.1:1/0"), "things", ttl=60)
        build = Builder()

        assert [region.fetch("a", build) for _ in range(3)] == [
            b"answer 1",
            b"answer 2",
            b"answer 3",
        ]
        region.invalidate()

    def test_it_is_left_alone_for_a_while_after_a_failure(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        region = Region(store, "things", ttl=60)
        store.away = True

        for _ in range(10):
            region.fetch("a", Builder())

        assert store.calls == 1

    def test_it_is_used_again_when_it_is_back(self, store: Any, restless: None) -> None:
        region = Region(store, "things", ttl=60)
        build = Builder()
        store.away = True
        region.fetch("a", build)

        store.away = False

        assert region.fetch("a", build) == region.fetch("a", build) == b"answer 2"

    def test_an_invalidation_during_an_outage_is_honoured_afterwards(
        self, store: Any, restless: None
    ) -> None:
        region = Region(store, "things", ttl=60)
        build = Builder()
        assert region.fetch("a", build) == b"answer 1"

        store.away = True
        region.invalidate()
        store.away = False

        assert region.fetch("a", build) == b"answer 2"
        assert region.fetch("a", build) == b"answer 2"

    def test_an_invalidation_is_not_forgotten_while_the_outage_lasts(
        self, store: Any, restless: None
    ) -> None:
        region = Region(store, "things", ttl=60)
        build = Builder()
        region.fetch("a", build)

        store.away = True
        region.invalidate()
        region.fetch("a", build)
        region.fetch("a", build)
        store.away = False

        assert region.fetch("a", build) == b"answer 4"

    def test_an_outage_in_the_middle_of_building_loses_only_the_cache(
        self, store: Any, restless: None
    ) -> None:
        region = Region(store, "things", ttl=60)

        def build() -> bytes:
            store.away = True
            return b"built"

        assert region.fetch("a", build) == b"built"

    def test_a_failure_to_build_is_told_even_when_redis_fails_too(
        self, store: Any, restless: None
    ) -> None:
        region = Region(store, "things", ttl=60)

        def fail() -> bytes:
            store.away = True
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            region.fetch("a", fail)
