"""Redis through Sentinels, before and after another Redis has become the primary."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from limits import parse
from limits.strategies import MovingWindowRateLimiter

from app.common import cache, queue, ratelimit, redis_client, redis_sentinel
from app.common.settings import InvalidValues
from app.live import feed
from app.retention.tasks import prune
from tests.environment import load
from tests.live import wait_until
from tests.sentinels import Sentinels, sentinels

pytestmark = pytest.mark.embedded

URL = "redis+sentinel://queue:p%40ss@one:26379,two/payments/3"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Sentinels]:
    with sentinels(tmp_path) as servers:
        yield servers


class TestUrl:
    def test_it_names_the_sentinels_and_the_user_of_the_redis(self) -> None:
        primary = redis_sentinel.parse(f"{URL}?sentinel_password=hidden")

        assert primary is not None
        assert primary.name == "payments"
        assert primary.sentinels == [("one", 26379), ("two", 26379)]
        assert primary.options == {"username": "queue", "password": "p@ss", "db": 3}
        assert primary.login == {"password": "hidden"}

    def test_it_can_require_tls(self) -> None:
        primary = redis_sentinel.parse(URL.replace("redis+", "rediss+"))

        assert primary is not None
        assert primary.options["ssl"] is primary.login["ssl"] is True

    def test_an_address_of_a_redis_has_none(self) -> None:
        assert redis_sentinel.parse("redis://queue:secret@one:6379/3") is None

    @pytest.mark.parametrize(
        "url",
        [
            "redis+sentinel://one:26379",
            "redis+sentinel://one:26379/",
            "redis+sentinel:///payments",
            "redis+sentinel://one:26379,/payments",
            "redis+sentinel://one:nothing/payments",
            "redis+sentinel://one:26379/payments/zero",
        ],
    )
    def test_the_setting_refuses_one_that_is_incomplete(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        with pytest.raises(InvalidValues, match="REDIS_URL"):
            load(monkeypatch, REDIS_URL=url)
        load(monkeypatch, REDIS_URL=URL)


@pytest.mark.stress
def test_every_purpose_works_again_after_a_failover(servers: Sentinels, worker_app: Flask) -> None:
    client = redis_client.connect(servers.url_of("cache"))
    circuit = redis_client.circuit_of(client)
    region = cache.Region(client, "cache:things", ttl=60)
    jobs = redis_client.connect(servers.url_of("queue"), timeout=1.0, circuit=circuit)
    counters = redis_client.connect(servers.url_of("limits"), circuit=circuit)
    limiter = MovingWindowRateLimiter(ratelimit._Counters("", client=counters))
    twice = parse("2/minute")
    live = feed._connect(servers.url_of("queue"), seconds=1.0)

    async def latest(entry: str) -> str:
        await live.xadd("live:transactions", {"entry": entry})
        ((_, found),) = await live.xrevrange("live:transactions", count=1)
        return str(found[b"entry"].decode())

    with asyncio.Runner() as runner:
        assert runner.run(latest("first")) == "first"
        assert region.fetch("page", lambda: b"built") == b"built"
        queue.configure(jobs)
        queue.enqueue(prune)
        assert [limiter.hit(twice, "me") for _ in range(3)] == [True, True, False]

        former = servers.kill()

        took = []
        for _ in range(20):
            started = time.monotonic()
            assert region.fetch("page", lambda: b"built") == b"built"
            limiter.hit(twice, "me")
            took.append(time.monotonic() - started)
        assert sorted(took)[-2] < 0.05
        servers.wait_for_another(former)
        wait_until(lambda: not circuit.is_open)

        region.fetch("other", lambda: b"new")
        assert region.fetch("other", lambda: b"later") == b"new"
        assert [limiter.hit(twice, "you") for _ in range(3)] == [True, True, False]
        queue.enqueue(prune)
        assert servers.client(servers.primary).llen("rq:queue:default") == 2
        wait_until(lambda: _succeeds(lambda: runner.run(latest("second")) == "second"))
        runner.run(live.aclose())


@pytest.mark.stress
def test_nobody_gets_an_answer_that_came_too_late(servers: Sentinels) -> None:
    client = redis_client.connect(servers.url_of("default"), timeout=0.2)
    client.set("number", 1)
    with pytest.raises(redis.TimeoutError):
        client.execute_command("DEBUG", "SLEEP", "0.5")
    wait_until(lambda: not redis_client.circuit_of(client).is_open)

    assert client.get("number") == b"1"


@pytest.mark.stress
def test_a_former_primary_is_left(servers: Sentinels) -> None:
    """It comes back as it was, and becomes a replica while connections to it are open."""
    client = redis_client.connect(servers.url_of("queue"), timeout=1.0)
    assert client.set("rq:number", 1)
    former = servers.pause()
    servers.wait_for_another(former)
    servers.resume(former)
    wait_until(lambda: servers.client(former).info("replication")["role"] == "slave")

    wait_until(lambda: _succeeds(lambda: client.set("rq:number", 2)))

    assert servers.client(servers.primary).get("rq:number") == b"2"


def _succeeds(call: object) -> bool:
    try:
        return bool(call())  # type: ignore[operator]
    except redis.RedisError:
        return False
