"""Reads from a real standby: never older than what their caller has written."""

import ast
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis
from flask import Flask, Response
from sqlalchemy import make_url, text

from app.common import cache, db, middleware, redis_client, replica
from app.common.database import Database
from app.common.db import reading, retry_transaction, snapshot
from app.common.errors import NotFound
from app.common.replica import Replica, may_lag
from app.common.settings import PROJECT_ROOT
from tests.live import wait_until
from tests.silent_proxy import silent_proxy
from tests.standby import Pair, pair

pytestmark = pytest.mark.embedded

MAX_LAG = 2.0


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    with pair() as servers:
        servers.execute("CREATE TABLE sales (number int)", database="payment_flow")
        servers.execute("GRANT ALL ON sales TO PUBLIC", database="payment_flow")
        yield servers


def url_of(url: str) -> str:
    changed = make_url(url).set(drivername="postgresql+psycopg")
    return changed.render_as_string(hide_password=False)


@pytest.fixture
def opened(servers: Pair, worker_app: Flask) -> Iterator[Replica]:
    """The replica of this process, with the primary beside it."""
    servers.execute("TRUNCATE sales", database="payment_flow")
    servers.resume()
    servers.catch_up()
    primary = db.configure(Database(url_of(servers.primary.app_url), pool_size=4))
    made = Replica(url_of(servers.standby.app_url), pool_size=4, max_lag=MAX_LAG)
    replica.current.configure(made)
    yield made
    servers.resume()
    made.dispose()
    primary.dispose()


class Caller:
    """A signed-in user of an application with two endpoints."""

    def __init__(self, opened: Replica, app: Flask) -> None:
        self.opened, self.app = opened, app
        self.user_id = str(uuid4())

    def sell(self, number: int) -> None:
        with self.app.test_request_context(method="POST"):
            middleware.set_caller(self.user_id)
            retry_transaction(lambda s: s.execute(text(f"INSERT INTO sales VALUES ({number})")))
            replica.remember_write(Response(status=201))

    def read(self, view: Callable[[], tuple[int, bool]]) -> tuple[int, bool]:
        with self.app.test_request_context():
            middleware.set_caller(self.user_id)
            return view()


@pytest.fixture
def caller(opened: Replica, worker_app: Flask) -> Caller:
    return Caller(opened, worker_app)


#: What the views below read: the number of sales, and whether a replica has told it.
READ = text("SELECT (SELECT count(*) FROM sales), pg_is_in_recovery()")


@may_lag
def count() -> tuple[int, bool]:
    with reading() as session:
        found, is_replica = session.execute(READ).one()
    return found, is_replica


@may_lag
def report() -> tuple[int, bool]:
    with snapshot() as session:
        found, is_replica = session.execute(READ).one()
    return found, is_replica


@may_lag
def require_sale() -> tuple[int, bool]:
    with reading() as session:
        found, is_replica = session.execute(READ).one()
    if found == 0:
        raise NotFound
    return found, is_replica


def test_one_look_at_the_primary_serves_all_who_have_written_meanwhile(
    opened: Replica, worker_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    sample = opened.sample

    def slow_sample() -> int:
        looks.append(sample())
        time.sleep(0.2)
        return looks[-1]

    monkeypatch.setattr(opened, "sample", slow_sample)
    callers = [Caller(opened, worker_app) for _ in range(8)]
    with ThreadPoolExecutor(len(callers)) as pool:
        list(pool.map(lambda caller: caller.sell(1), callers))
    monkeypatch.setattr(opened, "sample", sample)

    assert len(looks) < len(callers)
    assert [caller.read(count)[0] for caller in callers] == [len(callers)] * len(callers)


def test_only_endpoints_that_read_may_lag() -> None:
    """And the view itself is what is called again, without its limits and its access checks."""
    marked = [
        (path, function, [ast.unparse(each) for each in function.decorator_list])
        for path in (PROJECT_ROOT / "app").rglob("views.py")
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef)
        and "may_lag" in map(ast.unparse, function.decorator_list)
    ]
    assert len(marked) > 10
    for path, function, decorators in marked:
        where = f"{path}: {function.name}"
        assert ".get(" in decorators[0], where
        assert decorators[-1] == "may_lag", where
        assert "transaction()" not in ast.unparse(function), where


@pytest.mark.parametrize("view", [count, report])
class TestReading:
    def test_the_replica_answers(
        self, caller: Caller, servers: Pair, view: Callable[[], tuple[int, bool]]
    ) -> None:
        assert caller.read(view) == (0, True)

    def test_a_caller_sees_what_they_have_written(
        self, caller: Caller, opened: Replica, servers: Pair, view: Callable[[], tuple[int, bool]]
    ) -> None:
        other = Caller(opened, caller.app)
        assert other.read(view) == (0, True)
        servers.pause()

        caller.sell(1)

        assert caller.read(view) == (1, False)
        assert other.read(view) == (0, True)
        servers.resume()
        servers.catch_up()
        assert caller.read(view) == (1, True)

    def test_a_replica_that_lags_is_not_asked(
        self,
        caller: Caller,
        opened: Replica,
        servers: Pair,
        view: Callable[[], tuple[int, bool]],
    ) -> None:
        other = Caller(opened, caller.app)
        assert other.read(view) == (0, True)
        servers.pause()
        caller.sell(1)
        assert other.read(view) == (0, True)

        opened.max_lag = 0.1
        wait_until(lambda: other.read(view) == (1, False), seconds=5)
        servers.resume()
        wait_until(lambda: other.read(view) == (1, True), seconds=5)


def test_what_the_replica_does_not_find_is_looked_for_at_the_primary(
    caller: Caller, opened: Replica, servers: Pair
) -> None:
    """Such as a user who has registered just now, and is no caller yet."""
    servers.pause()
    caller.sell(1)

    assert Caller(opened, caller.app).read(require_sale) == (1, False)


def test_a_request_that_looked_earlier_and_ends_later_hides_nothing(
    caller: Caller, opened: Replica, servers: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.pause()
    caller.sell(1)
    with monkeypatch.context() as earlier, caller.app.test_request_context(method="POST"):
        middleware.set_caller(caller.user_id)
        earlier.setattr(opened, "sample", lambda: 1)
        replica.remember_write(Response(status=201))

    assert caller.read(count) == (1, False)


def test_without_redis_the_primary_answers(
    caller: Caller, opened: Replica, servers: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.pause()
    with monkeypatch.context() as broken:
        broken.setattr(cache.client(), "pipeline", _fail)
        caller.sell(1)
        broken.setattr(cache.client(), "zscore", _fail)
        assert caller.read(count) == (1, False)


def _fail(*_: object, **__: object) -> None:
    raise redis.ConnectionError


class TestFailure:
    def test_a_replica_that_is_away_fails_no_request(
        self, caller: Caller, opened: Replica, servers: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redis_client, "MAX_RETRY_SECONDS", 0.1)
        assert caller.read(count) == (0, True)
        servers.stop_standby()

        assert [caller.read(count) for _ in range(3)] == [(0, False)] * 3

        servers.standby.restart()
        wait_until(lambda: caller.read(count) == (0, True))

    def test_one_that_does_not_answer_costs_a_request_a_moment(
        self, caller: Caller, servers: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replica, "_MAX_SECONDS", 0.3)
        target = make_url(url_of(servers.standby.app_url))
        with silent_proxy(str(target.host), int(target.port or 0)) as proxy:
            through = target.set(port=proxy.port).render_as_string(hide_password=False)
            frozen = replica.current.configure(Replica(through, pool_size=2, max_lag=MAX_LAG))
            assert caller.read(count) == (0, True)
            proxy.freeze()

            assert caller.read(count) == (0, False)
            assert frozen is not None
            assert frozen.circuit.is_open
            assert caller.read(count) == (0, False)
            proxy.thaw()
            wait_until(lambda: caller.read(count) == (0, True))
            frozen.dispose()

    def test_one_that_has_been_promoted_still_answers(
        self, caller: Caller, opened: Replica, servers: Pair
    ) -> None:
        assert caller.read(count) == (0, True)
        servers.switch()
        moved = db.configure(Database(servers.url, pool_size=4))

        caller.sell(1)

        assert caller.read(count) == (1, False)
        moved.dispose()
