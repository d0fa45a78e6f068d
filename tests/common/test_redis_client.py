"""A Redis that hangs or is down costs a process one short wait, whatever part of it calls."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import redis
from flask import Flask

from app.common import cache, circuit, queue, redis_client
from app.common.cache import Region
from app.common.ratelimit import limiter
from app.common.redis_client import Circuit, RedisUnavailable, circuit_of
from app.local.embedded.redis import RedisServer
from app.wiring import connect_redis
from tests.concurrency import all_at_once
from tests.live import wait_until
from tests.silent_proxy import SilentProxy, silent_proxy

#: How much longer a request may take because Redis hangs; generous, because machines are busy.
BOUND_SECONDS = 0.05
BUSY_SECONDS = 0.25
DEFAULT_SECONDS = redis_client.TIMEOUT_SECONDS


@pytest.fixture(autouse=True)
def _default_timeout(worker_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timeout of a real process, which the tests raise otherwise."""
    monkeypatch.setattr(redis_client, "TIMEOUT_SECONDS", DEFAULT_SECONDS)


@pytest.fixture
def proxy(worker_app: Flask) -> Iterator[SilentProxy]:
    options = cache.client().get_connection_kwargs()
    with silent_proxy(options["host"], options["port"]) as opened:
        yield opened


@pytest.fixture
def client(proxy: SilentProxy) -> redis.Redis:
    options = cache.client().get_connection_kwargs()
    return redis_client.connect(
        f"redis://:{options.get('password') or ''}@127.0.0.1:{proxy.port}/{options['db']}",
    )


def seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def use_counters(storage: Any, client: redis.Redis) -> None:
    storage.storage = client
    storage.initialize_storage("")


def fails(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.RedisError:
        return True
    return False


def test_the_timeout_leaves_time_for_the_rest_of_a_request() -> None:
    assert DEFAULT_SECONDS < BOUND_SECONDS


class TestCircuit:
    def test_a_failure_opens_it_until_a_probe_succeeds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redis_client, "MAX_RETRY_SECONDS", 0.01)
        answers = threading.Event()
        probes = []

        def probe() -> None:
            probes.append(threading.get_ident())
            if not answers.is_set():
                raise redis.TimeoutError

        opened = Circuit(probe)
        opened.enter()
        all_at_once(lambda _: opened.record_failure(redis.TimeoutError()), range(8), threads=8)

        with pytest.raises(RedisUnavailable):
            opened.enter()
        wait_until(lambda: len(probes) > 2)
        assert opened.is_open
        answers.set()
        wait_until(lambda: not opened.is_open)
        opened.enter()
        assert len(set(probes)) == 1, "one thread probes, however many calls failed"


class TestMakingUp:
    def test_what_waits_is_done_once_redis_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(redis_client, "FIRST_RETRY_SECONDS", 0.01)
        monkeypatch.setattr(redis_client, "_MAX_WAITING", 3)
        answers, done = threading.Event(), list[int]()
        opened = Circuit(lambda: None if answers.is_set() else _raise(redis.TimeoutError()))
        assert not opened.make_up_for(lambda: done.append(0)), "it answers"
        opened.record_failure(redis.TimeoutError())

        kept = [
            opened.make_up_for(action)
            for action in (
                lambda: _raise(redis.ConnectionError()),
                lambda: done.append(1),
                lambda: done.append(2),
                lambda: done.append(3),
            )
        ]
        assert done == []
        answers.set()

        wait_until(lambda: len(done) == 2)
        assert (kept, done) == ([True, True, True, False], [1, 2])


def _raise(error: Exception) -> None:
    raise error


class TestHanging:
    def test_only_the_first_call_waits(self, client: redis.Redis, proxy: SilentProxy) -> None:
        client.ping()
        proxy.freeze()

        assert fails(client)
        assert seconds(lambda: [fails(client) for _ in range(1000)]) < BUSY_SECONDS

    def test_redis_is_used_again_when_it_answers(
        self, client: redis.Redis, proxy: SilentProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redis_client, "MAX_RETRY_SECONDS", 0.01)
        proxy.freeze()
        assert fails(client)
        assert fails(client)
        proxy.thaw()

        wait_until(lambda: not fails(client))

    def test_a_closed_connection_is_no_failure(self, client: redis.Redis) -> None:
        client.ping()
        own_id = client.client_id()
        cache.client().client_kill_filter(_id=str(own_id))

        assert not fails(client)

    def test_copies_are_not_served_while_changes_cannot_be_published(
        self, client: redis.Redis, proxy: SilentProxy
    ) -> None:
        cache.client().flushdb()
        region = Region(client, "hanging", ttl=60)
        built = iter([b"before", b"after"])
        for _ in range(3):
            assert region.fetch("a", lambda: next(built)) == b"before"
        proxy.freeze()
        fails(client)

        assert region.fetch("a", lambda: next(built)) == b"after"


class TestFrozenServer:
    """A server that is stopped by a signal, as the parts of a real process see it."""

    @pytest.fixture
    def server(self) -> Iterator[RedisServer]:
        folder = Path(mkdtemp())  # not tmp_path, which the user of the server cannot enter
        started = RedisServer.start(folder)
        yield started
        os.kill(started.pid, signal.SIGCONT)
        started.stop()
        shutil.rmtree(folder)

    @pytest.fixture
    def frozen(self, rate_limited: Flask, server: RedisServer) -> Iterator[None]:
        counters: Any = limiter._storage
        kept = counters.storage
        connect_redis(server.url)
        use_counters(counters, cache.client())
        rate_limited.test_client().get("/api/v1/products")
        os.kill(server.pid, signal.SIGSTOP)
        yield
        use_counters(counters, kept)

    def test_a_reader_waits_once_for_all_parts_together(
        self, rate_limited: Flask, frozen: None
    ) -> None:
        client = rate_limited.test_client()

        def read() -> None:
            assert client.get("/api/v1/products").status_code == 200

        first, others = seconds(read), [seconds(read) for _ in range(10)]

        assert first < BUSY_SECONDS
        assert max(others) < BUSY_SECONDS
        assert circuit_of(cache.client()).is_open

    def test_all_parts_share_one_circuit(self, frozen: None) -> None:
        counters: Any = limiter._storage
        parts = (cache.client(), queue._connection(), counters.storage, circuit._redis())

        assert len({id(circuit_of(part)) for part in parts}) == 1
