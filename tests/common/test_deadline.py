"""Deadlines of requests, and a database that stops answering."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3
from flask import Flask
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.common import connections, db, deadline, outbound
from app.common.database import Database
from app.common.db import OutcomeUnknown, reading, retry_transaction, transaction
from app.common.errors import Unavailable
from app.common.settings import PROJECT_ROOT
from tests.common.test_db import insert_row
from tests.silent_proxy import SilentProxy, silent_proxy


@pytest.fixture
def proxy(committing: Flask) -> Iterator[SilentProxy]:
    """The network between the application and its database."""
    kept = db.current()
    url = kept.engine.url
    with silent_proxy(str(url.host), int(url.port or 5432)) as proxy:
        through = make_url(url).set(host="127.0.0.1", port=proxy.port)
        database = db.configure(Database(through.render_as_string(hide_password=False)))
        try:
            yield proxy
        finally:
            database.dispose()
            db.configure(kept)


def test_a_limit_is_shortened_to_what_is_left() -> None:
    assert deadline.remaining() is None
    assert deadline.limit(7) == 7
    with deadline.within(5):
        assert 4.9 < deadline.limit(7) <= 5
        assert deadline.limit(3) == 3
        with deadline.within(60):
            assert deadline.limit(60) <= 5
    assert deadline.remaining() is None


def test_every_request_has_a_deadline_and_leaves_none_behind(app: Flask) -> None:
    left: list[float | None] = []

    def view(_: object, start_response: Callable[..., object]) -> list[bytes]:
        left.append(deadline.remaining())
        start_response("204 No Content", [])
        return []

    middleware = app.wsgi_app
    application, middleware._application = middleware._application, view  # type: ignore[attr-defined]
    try:
        app.test_client().get("/health/live")
    finally:
        middleware._application = application  # type: ignore[attr-defined]

    assert left[0] is not None
    assert deadline.REQUEST_SECONDS - 1 < left[0] <= deadline.REQUEST_SECONDS
    assert deadline.remaining() is None


class TestSilentDatabase:
    def test_a_read_ends_at_the_deadline(self, proxy: SilentProxy) -> None:
        with reading() as session:
            session.execute(text("SELECT 1"))
        proxy.freeze()
        started = time.monotonic()

        with (
            deadline.within(0.6),
            pytest.raises(Exception, match="did not answer in time") as error,
            reading() as session,
        ):
            session.execute(text("SELECT 1"))

        assert time.monotonic() - started < 2
        assert db.is_temporary(error.value)

    def test_a_commit_without_an_answer_has_an_unknown_outcome(self, proxy: SilentProxy) -> None:
        started = time.monotonic()

        def work(session: Session) -> None:
            insert_row(session)
            proxy.freeze()

        with deadline.within(1), pytest.raises(OutcomeUnknown):
            retry_transaction(work)

        assert time.monotonic() - started < 3

    def test_the_next_transaction_after_it_answers_again_succeeds(self, proxy: SilentProxy) -> None:
        proxy.freeze()
        with deadline.within(0.5), pytest.raises(DBAPIError), transaction() as session:
            insert_row(session)
        proxy.thaw()

        with transaction() as session:
            insert_row(session)

    def test_nothing_new_is_begun_after_the_deadline(self, committing: Flask) -> None:
        with deadline.within(0), pytest.raises(PoolTimeout), reading() as session:
            session.execute(text("SELECT 1"))

    def test_a_write_after_the_deadline_is_unavailable(self, committing: Flask) -> None:
        with deadline.within(0), pytest.raises(Unavailable):
            retry_transaction(insert_row)


def test_a_pool_without_free_connections_refuses_further_callers_quickly(
    committing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "POOL_SECONDS", 0.5)
    kept = db.current()
    url = kept.engine.url.render_as_string(hide_password=False)
    small = db.configure(Database(url, pool_size=2))

    def waited() -> float:
        started = time.monotonic()
        with pytest.raises(PoolTimeout), reading() as session:
            session.execute(text("SELECT 1"))
        return time.monotonic() - started

    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
            assert 0.4 < waited() < 2
            assert waited() < 0.4
        with reading() as session:
            session.execute(text("SELECT 1"))
            with deadline.within(0.05):
                waited()  # which says nothing about the database
            assert 0.4 < waited() < 2
    finally:
        small.dispose()
        db.configure(kept)


class TestOutbound:
    LIMITS = urllib3.Timeout(connect=2, read=5)

    def test_without_a_deadline_a_call_has_its_own_limits(self) -> None:
        assert outbound.within_deadline(self.LIMITS, attempts=3) is self.LIMITS

    def test_all_attempts_together_end_at_the_deadline(self) -> None:
        with deadline.within(3):
            limits = outbound.within_deadline(self.LIMITS, attempts=3)
        assert limits.total is not None
        assert 0.9 < float(limits.total) <= 1


def test_every_connection_of_the_database_has_all_time_limits(app: Flask) -> None:
    with transaction() as session:
        shown = {
            name: session.scalar(text(f"SHOW {name}"))
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
        parameters = session.connection().connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert "0" not in shown.values()
    assert {"connect_timeout", "keepalives_idle", "tcp_user_timeout"} <= parameters.keys()


#: What opens connections to other systems, and the name of its time limit.
CLIENTS = {
    r"Redis\.from_url\(": "socket_timeout",
    r"urllib3\.PoolManager\(": "timeout",
    r"create_engine\(": "connect_args",
    r"psycopg\.connect\(": "connect_timeout",
    r"\bConfig\(\n?\s*connect_timeout": "read_timeout",
}


def calls(path: Path, pattern: str) -> Iterator[str]:
    source = path.read_text()
    for match in re.finditer(pattern, source):
        yield source[match.start() : match.start() + 400]


@pytest.mark.parametrize(("pattern", "limit"), CLIENTS.items())
def test_every_client_of_another_system_has_time_limits(pattern: str, limit: str) -> None:
    unlimited = [
        f"{path.relative_to(PROJECT_ROOT)}: {call.splitlines()[0]}"
        for path in (PROJECT_ROOT / "app").rglob("*.py")
        for call in calls(path, pattern)
        if limit not in call
    ]
    assert unlimited == []
