"""Copies in the process: used without asking Redis, and never a moment too long."""

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


class Counting:
    """A client that counts the questions for entries."""

    def __init__(self, client: "redis.Redis[bytes]") -> None:
        self._client = client
        self.reads = 0

    def mget(self, *names: str) -> object:
        self.reads += 1
        return self._client.mget(*names)

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


@pytest.fixture
def client(app: Flask) -> Counting:
    return Counting(cache.client())


@pytest.fixture
def region(client: Counting) -> Region:
    return Region(client, "near-things", ttl=60)  # type: ignore[arg-type]


@pytest.fixture
def elsewhere(app: Flask) -> Region:
    """The same region in another process."""
    return Region(cache.client(), "near-things", ttl=60)


def kill_subscriptions(client: Counting) -> None:
    assert client.client_kill_filter(_type="pubsub")  # type: ignore[operator]


def test_what_was_read_once_is_not_asked_for_again(region: Region, client: Counting) -> None:
    build = Builder()
    region.fetch("a", build)
    region.fetch("a", build)  # from Redis, and kept
    asked = client.reads

    assert [region.fetch("a", build) for _ in range(20)] == [b"answer 1"] * 20
    assert client.reads == asked


def test_a_change_elsewhere_shows_in_the_very_next_answer(
    region: Region, elsewhere: Region
) -> None:
    build = Builder()

    for number in range(1, 200):
        assert region.fetch("a", build) == f"answer {number}".encode()
        assert region.fetch("a", build) == f"answer {number}".encode()
        assert region.fetch("a", build) == f"answer {number}".encode()
        elsewhere.invalidate()


def test_a_change_while_the_subscription_is_down_is_not_missed(
    region: Region, elsewhere: Region, client: Counting
) -> None:
    build = Builder()

    for number in range(1, 20):
        assert region.fetch("a", build) == f"answer {number}".encode()
        assert region.fetch("a", build) == f"answer {number}".encode()
        kill_subscriptions(client)
        elsewhere.invalidate()


def test_an_entry_read_before_a_change_is_not_kept_after_it(
    region: Region, elsewhere: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Builder()
    region.fetch("a", build)
    read = region._read

    def read_and_be_overtaken(key: str) -> object:
        seen = read(key)
        elsewhere.invalidate()
        monkeypatch.setattr(region, "_read", read)
        return seen

    monkeypatch.setattr(region, "_read", read_and_be_overtaken)

    assert region.fetch("a", build) == b"answer 1"  # as of when it was asked for
    assert region.fetch("a", build) == b"answer 2"


def test_a_copy_does_not_outlive_its_entry(app: Flask) -> None:
    region = Region(cache.client(), "near-things", ttl=2)
    build = Builder()
    started = time.monotonic()
    for _ in range(3):
        region.fetch("a", build)

    wait_until(lambda: region.fetch("a", build) == b"answer 2")

    assert time.monotonic() - started < 2.5


def test_only_so_many_are_kept(region: Region, client: Counting) -> None:
    build = Builder()
    for key in range(40):
        region.fetch(str(key), build)
        region.fetch(str(key), build)
    asked = client.reads

    region.fetch("39", build)
    assert client.reads == asked
    region.fetch("0", build)
    assert client.reads == asked + 1


def test_many_threads_at_once_all_see_the_last_change(region: Region, elsewhere: Region) -> None:
    build = Builder()

    def visit(number: int) -> bytes:
        if number % 10 == 0:
            elsewhere.invalidate()
        return region.fetch("a", build)

    all_at_once(visit, range(200), threads=16)
    made = build.times
    elsewhere.invalidate()

    answers = all_at_once(lambda _: region.fetch("a", build), range(32), threads=16)
    assert set(answers) == {f"answer {made + 1}".encode()}


def test_a_redis_that_hangs_holds_one_thread_up_and_not_the_others(app: Flask) -> None:
    hangs = threading.Event()

    class Hanging(Counting):
        def pubsub(self) -> object:
            hangs.wait(10)
            raise redis.ConnectionError("away")

    region = Region(Hanging(cache.client()), "near-things", ttl=60)  # type: ignore[arg-type]
    first = threading.Thread(target=region.fetch, args=("a", Builder()))
    first.start()
    started = time.monotonic()

    answers = all_at_once(lambda _: region.fetch("b", Builder()), range(16), threads=16)
    region.invalidate()

    assert set(answers) == {b"answer 1"}
    assert time.monotonic() - started < 5
    hangs.set()
    first.join()
