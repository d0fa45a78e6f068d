"""A purchase whose COMMIT went through unheard: nobody is told that nothing happened."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, text

from app.common import db
from app.common.db import transaction
from app.verify.report import violations
from tests import factories
from tests.orders.purchases.test_batcher import buy


@dataclass
class Line:
    """To the database: it breaks right after the next COMMIT of a purchase.

    stays_away: nobody gets a connection after that, until it is back.
    """

    broken: bool = False
    stays_away: bool = False


@pytest.fixture
def line(committing: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    line = Line()
    commit = psycopg.Connection.commit

    def commit_unheard(connection: "psycopg.Connection[object]") -> None:
        commit(connection)
        serializable = connection.isolation_level == psycopg.IsolationLevel.SERIALIZABLE
        if serializable and not line.broken:
            line.broken = True
            connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def refuse(*_: object) -> None:
        if line.broken and line.stays_away:
            raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(psycopg.Connection, "commit", commit_unheard)
    engines = (db.current().engine, db.current()._serializable_engine)
    for engine in engines:
        event.listen(engine, "checkout", refuse)
    yield line
    for engine in engines:
        event.remove(engine, "checkout", refuse)


def orders() -> int:
    with transaction() as session:
        return int(session.scalar(text("SELECT count(*) FROM orders")) or 0)


def test_it_is_found_and_answered_as_if_nothing_had_been(committing: Flask, line: Line) -> None:
    product_id = factories.product(factories.merchant(), units=1)

    answer = buy(committing, factories.buyer(), product_id)

    assert line.broken
    assert answer.status_code == 201
    assert orders() == 1
    assert [rows for _, rows in violations() if rows] == []


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k-1"}])
def test_while_the_database_stays_away_the_answer_is_that_nobody_knows(
    committing: Flask, line: Line, headers: dict[str, str]
) -> None:
    product_id = factories.product(factories.merchant(), units=1)
    line.stays_away = True

    answer = buy(committing, factories.buyer(), product_id, **headers)

    line.stays_away = False
    assert (answer.status_code, answer.json["error"]) == (500, "OUTCOME_UNKNOWN")
    assert orders() == 1


def test_what_it_sold_out_leaves_the_list_all_the_same(committing: Flask, line: Line) -> None:
    product_id = factories.product(factories.merchant(), units=1)
    client = committing.test_client()
    assert [row["id"] for row in client.get("/api/v1/products").json] == [str(product_id)]

    assert buy(committing, factories.buyer(), product_id).status_code == 201

    assert line.broken
    assert client.get("/api/v1/products").json == []
