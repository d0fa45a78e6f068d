"""Long statements, sent piece by piece."""

import json
import tracemalloc
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.auth import service as auth
from app.common.db import reading
from app.common.time_range import TimeRange
from app.statements import documents, repository, service
from tests import factories
from tests.answers import refusal
from tests.factories import Actor
from tests.statements.helpers import HOUR, NOON, ask, begin, rows_of
from tests.wallets.histories import add_history

MARCH = {"since": "2026-03-01", "until": "2026-04-01"}


@pytest.fixture
def user(client: FlaskClient) -> Actor:
    user = factories.actor()
    add_history(user.id, count=95, first=NOON, apart=HOUR)
    return user


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten postings are a piece, and a statement of more is long."""
    monkeypatch.setattr("app.statements.service.CHUNK", 10)
    monkeypatch.setattr("app.statements.views.CHUNK", 10)


@pytest.fixture
def broken_off(small_pieces: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away after the first piece."""
    right = repository.postings

    def postings(session: Session, *, first: int, **where: Any) -> Any:
        if first > 10:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return right(session, first=first, **where)

    monkeypatch.setattr(repository, "postings", postings)


def received(answer: TestResponse) -> bytes:
    """What arrives of an answer that breaks off."""
    parts: list[bytes] = []
    with answer, pytest.raises(Exception, match="closed the connection"):
        parts.extend(map(bytes, answer.response))
    return b"".join(parts)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_long_or_short_it_says_the_same(
    client: FlaskClient, user: Actor, request: pytest.FixtureRequest, form: str
) -> None:
    short = ask(client, user, form, **MARCH)
    request.getfixturevalue("small_pieces")
    long = ask(client, user, form, **MARCH)

    assert short.content_length == len(short.data)
    assert "Content-Length" not in long.headers
    if form == "csv":
        assert long.data == short.data
        assert len(rows_of(long)) == 97
    else:
        assert long.json | {"issuedAt": ""} == short.json | {"issuedAt": ""}
        assert long.json["count"] == len(long.json["transactions"]) == 95


def test_json_that_breaks_off_cannot_be_read(
    client: FlaskClient, user: Actor, broken_off: None
) -> None:
    text = received(begin(client, user, **MARCH))

    assert text.count(b"Movement") == 10
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_csv_that_breaks_off_lacks_its_last_line(
    client: FlaskClient, user: Actor, broken_off: None
) -> None:
    text = received(begin(client, user, "csv", **MARCH))

    assert text.count(b"Movement") == 10
    assert b"CLOSING_BALANCE" not in text


def test_a_posting_that_does_not_follow_breaks_it_off(
    client: FlaskClient, user: Actor, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = repository.postings
    # The second piece twice: its numbers are not those that are due.
    monkeypatch.setattr(
        repository,
        "postings",
        lambda session, *, first, last, **where: right(
            session, first=min(first, 11), last=min(last, 20), **where
        ),
    )
    answer = begin(client, user, "csv", **MARCH)

    with answer, pytest.raises(AssertionError, match="does not follow"):
        list(answer.response)


class TestPlaces:
    """Each long answer holds a thread, and threads are there for sales."""

    def test_a_few_at_a_time_and_each_gives_its_place_back(
        self, client: FlaskClient, small_pieces: None
    ) -> None:
        users = [factories.actor() for _ in range(5)]
        for user in users:
            add_history(user.id, count=11, first=NOON)
        begun = [begin(client, user, "csv", **MARCH) for user in users[:4]]

        assert [answer.status_code for answer in begun] == [200] * 4
        refused = ask(client, users[4], "csv", **MARCH)
        assert refusal(refused) == (503, "BUSY")
        assert int(refused.headers["Retry-After"]) > 0
        begun[0].close()
        again = begin(client, users[4], "csv", **MARCH)
        assert again.status_code == 200
        for answer in (*begun[1:], again):
            answer.close()

    def test_one_for_each_caller(
        self, client: FlaskClient, user: Actor, small_pieces: None
    ) -> None:
        with begin(client, user, "csv", **MARCH) as begun:
            assert begun.status_code == 200
            assert refusal(ask(client, user, **MARCH)) == (503, "BUSY")
        with begin(client, user, **MARCH) as again:
            assert again.status_code == 200

    def test_short_ones_need_none(self, client: FlaskClient, user: Actor) -> None:
        with begin(client, user, "csv", **MARCH), begin(client, user, "csv", **MARCH) as second:
            assert second.status_code == 200

    def test_who_is_refused_or_fails_holds_none(
        self, client: FlaskClient, user: Actor, request: pytest.FixtureRequest
    ) -> None:
        with pytest.MonkeyPatch.context() as away:
            for module in ("service", "views"):
                away.setattr(f"app.statements.{module}.CHUNK", 10)
            away.setattr(repository, "postings", _away)
            for form in ("csv", "json", "csv", "json", "csv"):
                assert refusal(ask(client, user, form, **MARCH)) == (503, "BUSY")
        request.getfixturevalue("small_pieces")
        with begin(client, user, "csv", **MARCH) as answer:
            assert answer.status_code == 200


def _away(*_: Any, **__: Any) -> Any:
    raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_longer_statement_takes_no_more_memory(client: FlaskClient, form: str) -> None:
    user = factories.actor()
    add_history(user.id, count=20_000, first=NOON)

    def write(count: int) -> tuple[int, int]:
        """The size of the document, and the most memory there was in use."""
        with reading() as session:
            statement = service.draw_up(
                session,
                holder=auth.require_user(session, user.id),
                currency="USD",
                within=TimeRange(NOON, NOON + count * timedelta(seconds=1)),
                maximum=count,
            )
        as_bytes = documents.as_json if form == "json" else documents.as_csv
        parts = as_bytes(statement, service.postings(statement, reading=reading))
        tracemalloc.start()
        size = sum(map(len, parts))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size, peak

    (small, usual), (large, most) = write(2_000), write(20_000)

    assert large > 9 * small
    assert most < usual * 3 / 2
