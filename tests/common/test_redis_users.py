"""Redis users: one for each purpose, which reads and writes its own keys only."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import redis
from flask import Flask
from limits import parse
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy.orm import Session

from app.common import cache, circuit, jobs, queue, redis_client
from app.common.settings import PROJECT_ROOT
from app.events.redis_stream import PREFIX, RedisStreamSink
from app.events.sinks import SinkUnavailable
from app.local.embedded import RedisServer
from app.local.embedded.redis import ACL
from app.retention.tasks import prune
from app.worker import make_worker
from tests.events.kafka.helpers import CLOUD_EVENTS, event

pytestmark = pytest.mark.embedded

#: A key of each purpose.
KEYS = {"cache": "cache:products:tag", "limits": "LIMITS:LIMITER/pf/x", "queue": "rq:queue:default"}
#: The sink of events writes nothing in the transaction of its caller.
NO_SESSION = cast("Session", None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder = tmp_path_factory.mktemp("redis")
    for path in (folder, *folder.parents[:3]):
        path.chmod(0o755)  # as root, Redis runs as another user
    server = RedisServer.start(folder)
    yield server
    server.stop()


def refusals(server: RedisServer) -> list[str]:
    """What Redis has refused, except how clients report the name of their library."""
    log = redis.Redis.from_url(server.url).acl_log()
    return [
        f"{entry['username']}: {entry['object']}" for entry in log if entry["object"] != "client"
    ]


@pytest.fixture(autouse=True)
def nothing_is_refused(server: RedisServer) -> None:
    redis.Redis.from_url(server.url).acl_log_reset()


class TestPurposes:
    def test_the_cache_and_the_circuits(self, server: RedisServer, worker_app: Flask) -> None:
        client = redis_client.connect(server.url_of("cache"))
        region = cache.Region(client, "cache:things", ttl=60)
        region.fetch("one", lambda: b"built")
        assert region.fetch("one", lambda: b"again") == b"built"
        region.invalidate()
        assert region.fetch("one", lambda: b"again") == b"again"

        circuit.configure(client)

        def fail() -> None:
            raise ValueError("no answer")

        for _ in range(circuit.MAX_FAILURES):
            with pytest.raises(ValueError, match="no answer"):
                circuit.call("bank:HDFC", fail, failure=ValueError)
        assert circuit.is_open("bank:HDFC")
        assert refusals(server) == []

    def test_the_limits(self, server: RedisServer) -> None:
        limiter = MovingWindowRateLimiter(RedisStorage(server.url_of("limits")))
        twice = parse("2/minute")

        assert [limiter.hit(twice, "pf", "me") for _ in range(3)] == [True, True, False]
        assert limiter.get_window_stats(twice, "pf", "me").remaining == 0
        assert refusals(server) == []

    def test_the_queue(self, server: RedisServer, worker_app: Flask) -> None:
        done: list[str] = []
        queue.configure(redis_client.connect(server.url_of("queue")))
        queue.enqueue(prune)
        connection = redis.Redis.from_url(server.url_of("queue"))

        worker = make_worker(queue.NAME, connection)
        jobs.allowed.configure({jobs.name_of(prune): lambda: done.append("pruned")})
        worker.work(burst=True)

        assert done == ["pruned"]
        assert refusals(server) == []

    def test_the_streams_of_events(self, server: RedisServer) -> None:
        client = redis_client.connect(server.url_of("queue"), timeout=5.0)
        sink = RedisStreamSink(client, CLOUD_EVENTS, max_length=100)
        owner = redis.Redis.from_url(server.url)

        assert sink.deliver(NO_SESSION, [event("payout-paid")]) == {}
        owner.config_set("maxmemory", "1")
        try:
            with pytest.raises(SinkUnavailable, match="maxmemory"):
                sink.deliver(NO_SESSION, [event("payout-paid")])
        finally:
            owner.config_set("maxmemory", "0")

        assert client.xlen("events:payout-paid") == 1
        assert refusals(server) == []


class TestSeparation:
    @pytest.mark.parametrize("user", ACL)
    @pytest.mark.parametrize("purpose", KEYS)
    def test_a_user_has_the_keys_of_one_purpose(
        self, server: RedisServer, user: str, purpose: str
    ) -> None:
        client = redis.Redis.from_url(server.url_of(user))
        if user == purpose:
            assert client.exists(KEYS[purpose]) in (0, 1)
            return
        for call in (client.get, client.delete, client.lrange):
            arguments = (0, -1) if call == client.lrange else ()
            with pytest.raises(redis.exceptions.NoPermissionError):
                call(KEYS[purpose], *arguments)

    @pytest.mark.parametrize("user", ACL)
    @pytest.mark.parametrize(
        "command", ["FLUSHALL", "KEYS *", "CONFIG GET *", "ACL LIST", "SHUTDOWN", "MONITOR"]
    )
    def test_no_user_administers_the_server(
        self, server: RedisServer, user: str, command: str
    ) -> None:
        with pytest.raises(redis.exceptions.NoPermissionError):
            redis.Redis.from_url(server.url_of(user)).execute_command(*command.split())


def test_compose_has_the_same_rules() -> None:
    compose = (PROJECT_ROOT / "docker-compose.yml").read_text()
    found = {}
    for block in re.findall(r"      - --user\n((?:      - \".*\"\n)+)", compose):
        user, on, password, *rules = re.findall(r'"(.*)"', block)
        assert on == "on"
        if user == "monitor":  # only of compose, for Prometheus
            assert password == "${REDIS_MONITOR_PASSWORD:+>}${REDIS_MONITOR_PASSWORD:-off}"
            assert rules[:2] == ["resetchannels", "-@all"]
            continue
        assert password[:2] == ">$"
        found[user] = tuple(rules)
    assert found == ACL


def test_each_purpose_of_the_application_has_its_prefix() -> None:
    """The names of the regions and circuits, as the code passes them on."""
    wiring = Path(PROJECT_ROOT / "app/wiring.py").read_text()
    assert 'f"cache:{name}"' in wiring
    assert 'namespace=f"circuit:{name}"' in (PROJECT_ROOT / "app/common/circuit.py").read_text()
    assert f"~{PREFIX}*" in ACL["queue"]
