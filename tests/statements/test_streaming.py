"""Streaming of long statements."""

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
from tests.factories import Actor
from tests.responses import refusal
from tests.statements.helpers import HOUR, NOON, get_statement, rows_of, start_download
from tests.wallets.histories import add_history

MARCH = {"since": "2026-03-01", "until": "2026-04-01"}


@pytest.fixture
def user(client: FlaskClient) -> Actor:
    user = factories.actor()
    add_history(user.id, count=95, first=NOON, apart=HOUR)
    return user


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten postings per chunk; a statement with more is streamed."""
    monkeypatch.setattr("app.statements.service.CHUNK", 10)
    monkeypatch.setattr("app.statements.views.CHUNK", 10)


@pytest.fixture
def interrupted(small_chunks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database connection is lost after the first chunk."""
    original = repository.postings

    def postings(session: Session, *, first: int, **where: Any) -> Any:
        if first > 10:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return original(session, first=first, **where)

    monkeypatch.setattr(repository, "postings", postings)


def received(answer: TestResponse) -> bytes:
    """What is received of an interrupted response."""
    parts: list[bytes] = []
    with answer, pytest.raises(Exception, match="closed the connection"):
        parts.extend(map(bytes, answer.response))
    return b"".join(parts)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_streamed_statement_has_the_same_content(
    client: FlaskClient, user: Actor, request: pytest.FixtureRequest, form: str
) -> None:
    buffered = get_statement(client, user, form, **MARCH)
    request.getfixturevalue("small_chunks")
    streamed = get_statement(client, user, form, **MARCH)

    assert buffered.content_length == len(buffered.data)
    assert "Content-Length" not in streamed.headers
    if form == "csv":
        assert streamed.data == buffered.data
        assert len(rows_of(streamed)) == 97
    else:
        assert streamed.json | {"issuedAt": ""} == buffered.json | {"issuedAt": ""}
        assert streamed.json["count"] == len(streamed.json["transactions"]) == 95


def test_an_interrupted_json_document_is_invalid(
    client: FlaskClient, user: Actor, interrupted: None
) -> None:
    text = received(start_download(client, user, **MARCH))

    assert text.count(b"Movement") == 10
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_an_interrupted_csv_document_lacks_its_last_line(
    client: FlaskClient, user: Actor, interrupted: None
) -> None:
    text = received(start_download(client, user, "csv", **MARCH))

    assert text.count(b"Movement") == 10
    assert b"CLOSING_BALANCE" not in text


def test_an_unexpected_posting_interrupts_the_document(
    client: FlaskClient, user: Actor, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = repository.postings
    # The second chunk repeats, so the sequence numbers are not consecutive.
    monkeypatch.setattr(
        repository,
        "postings",
        lambda session, *, first, last, **where: original(
            session, first=min(first, 11), last=min(last, 20), **where
        ),
    )
    answer = start_download(client, user, "csv", **MARCH)

    with answer, pytest.raises(AssertionError, match="does not follow"):
        list(answer.response)


class TestConcurrencyLimit:
    """Each streamed response occupies a thread, which purchases need."""

    def test_streamed_statements_are_limited_in_total(
        self, client: FlaskClient, small_chunks: None
    ) -> None:
        users = [factories.actor() for _ in range(5)]
        for user in users:
            add_history(user.id, count=11, first=NOON)
        started = [start_download(client, user, "csv", **MARCH) for user in users[:4]]

        assert [answer.status_code for answer in started] == [200] * 4
        refused = get_statement(client, users[4], "csv", **MARCH)
        assert refusal(refused) == (503, "BUSY")
        assert int(refused.headers["Retry-After"]) > 0
        started[0].close()
        again = start_download(client, users[4], "csv", **MARCH)
        assert again.status_code == 200
        for answer in (*started[1:], again):
            answer.close()

    def test_streamed_statements_are_limited_per_user(
        self, client: FlaskClient, user: Actor, small_chunks: None
    ) -> None:
        with start_download(client, user, "csv", **MARCH) as first:
            assert first.status_code == 200
            assert refusal(get_statement(client, user, **MARCH)) == (503, "BUSY")
        with start_download(client, user, **MARCH) as again:
            assert again.status_code == 200

    def test_short_statements_are_not_limited(self, client: FlaskClient, user: Actor) -> None:
        with (
            start_download(client, user, "csv", **MARCH),
            start_download(client, user, "csv", **MARCH) as second,
        ):
            assert second.status_code == 200

    def test_failed_statements_do_not_count_towards_the_limit(
        self, client: FlaskClient, user: Actor, request: pytest.FixtureRequest
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for module in ("service", "views"):
                patch.setattr(f"app.statements.{module}.CHUNK", 10)
            patch.setattr(repository, "postings", _lose_connection)
            for form in ("csv", "json", "csv", "json", "csv"):
                assert refusal(get_statement(client, user, form, **MARCH)) == (503, "BUSY")
        request.getfixturevalue("small_chunks")
        with start_download(client, user, "csv", **MARCH) as answer:
            assert answer.status_code == 200


def _lose_connection(*_: Any, **__: Any) -> Any:
    raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("form", ["json", pytest.param("csv", marks=pytest.mark.stress)])
def test_memory_does_not_grow_with_the_length_of_the_statement(
    client: FlaskClient, form: str
) -> None:
    user = factories.actor()
    add_history(user.id, count=20_000, first=NOON)

    def write(count: int) -> tuple[int, int]:
        """The size of the document, and the peak memory usage."""
        with reading() as session:
            statement = service.create_statement(
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

    (small, small_peak), (large, large_peak) = write(2_000), write(20_000)

    assert large > 9 * small
    assert large_peak < small_peak * 3 / 2
