"""Purchases whose COMMIT succeeds while its response is lost."""

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
class Connection:
    """The connection to the database, which breaks right after the next COMMIT of a purchase.

    unavailable: new connections are refused after that.
    """

    broken: bool = False
    unavailable: bool = False


@pytest.fixture
def connection(committing: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    database = Connection()
    commit = psycopg.Connection.commit

    def commit_and_disconnect(connection: "psycopg.Connection[object]") -> None:
        commit(connection)
        serializable = connection.isolation_level == psycopg.IsolationLevel.SERIALIZABLE
        if serializable and not database.broken:
            database.broken = True
            connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def refuse(*_: object) -> None:
        if database.broken and database.unavailable:
            raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(psycopg.Connection, "commit", commit_and_disconnect)
    engines = (db.current().engine, db.current()._serializable_engine)
    for engine in engines:
        event.listen(engine, "checkout", refuse)
    yield database
    for engine in engines:
        event.remove(engine, "checkout", refuse)


def orders() -> int:
    with transaction() as session:
        return int(session.scalar(text("SELECT count(*) FROM orders")) or 0)


def test_the_committed_purchase_is_found_and_returned(
    committing: Flask, connection: Connection
) -> None:
    product_id = factories.product(factories.merchant(), units=1)

    answer = buy(committing, factories.buyer(), product_id)

    assert connection.broken
    assert answer.status_code == 201
    assert orders() == 1
    assert [rows for _, rows in violations() if rows] == []


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k-1"}])
def test_an_unavailable_database_makes_the_outcome_unknown(
    committing: Flask, connection: Connection, headers: dict[str, str]
) -> None:
    product_id = factories.product(factories.merchant(), units=1)
    connection.unavailable = True

    answer = buy(committing, factories.buyer(), product_id, **headers)

    connection.unavailable = False
    assert (answer.status_code, answer.json["error"]) == (500, "OUTCOME_UNKNOWN")
    assert orders() == 1


def test_a_sold_out_product_is_removed_from_the_list(
    committing: Flask, connection: Connection
) -> None:
    product_id = factories.product(factories.merchant(), units=1)
    client = committing.test_client()
    assert [row["id"] for row in client.get("/api/v1/products").json] == [str(product_id)]

    assert buy(committing, factories.buyer(), product_id).status_code == 201

    assert connection.broken
    assert client.get("/api/v1/products").json == []
