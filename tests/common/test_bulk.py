"""Bulk inserts: the model defines the columns of a row."""

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

import app.factory  # noqa: F401 – imports every repository
from app.common.bulk import BulkInsert, RowShapeInvalid, columns_of, send_rows
from app.common.db import fetch_one, reading, transaction
from app.events.models import OutboxEvent
from app.idempotency.models import IdempotencyKey
from app.wallets.models import WalletTransaction, WalletTransactionRow
from tests import factories

INSERT = BulkInsert(OutboxEvent, omit=("sequence",))
SUM = "SELECT sum(n) AS n FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (n bigint, m text)"
ALL_INSERTS = {
    f"{name}.{variable}": value
    for name, module in sys.modules.items()
    if name.startswith("app.") and name.endswith(".repository")
    for variable, value in vars(module).items()
    if isinstance(value, BulkInsert)
}


def event(**changes: Any) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "type": "test",
        "aggregate_type": "test",
        "aggregate_id": uuid4(),
        "data": {},
        "version": None,
        "schema_version": 1,
        "trace_context": None,
        "occurred_at": datetime.now(UTC),
    } | changes


def without(name: str) -> dict[str, Any]:
    row = event()
    del row[name]
    return row


@dataclass(frozen=True, slots=True)
class Some:
    n: int
    m: str | None = None
    more: str = "ignored"


@dataclass(frozen=True, slots=True)
class Less:
    n: int


def test_none_is_inserted_as_null_and_an_empty_list_is_accepted(app: Flask) -> None:
    with transaction() as session:
        INSERT.execute(session, [])
        INSERT.execute(session, [event()])

    assert fetch_one("SELECT version FROM outbox_events WHERE type = 'test'", {}) == (None,)


@pytest.mark.parametrize("name", ["version", "type"])
def test_a_row_without_a_column_is_refused_even_if_the_column_is_nullable(
    app: Flask, name: str
) -> None:
    with pytest.raises(RowShapeInvalid, match=name), transaction() as session:
        INSERT.execute(session, [event(), without(name)])


@pytest.mark.parametrize("name", ["sequence", "kind"])
def test_a_row_with_an_unknown_or_generated_column_is_refused(app: Flask, name: str) -> None:
    with pytest.raises(RowShapeInvalid, match=name), transaction() as session:
        INSERT.execute(session, [event(), event(**{name: 1})])


def test_a_row_class_has_every_column_and_property_of_its_model() -> None:
    names = list(WalletTransaction.__mapper__.columns.keys())
    values = {name: name for name in names} | {"amount": -5}

    row = WalletTransactionRow(**values)

    assert [getattr(row, name) for name in names] == list(values.values())
    assert row.magnitude == 5
    for name in names:
        with pytest.raises(TypeError, match=name):
            WalletTransactionRow(**{key: 1 for key in names if key != name})
    with pytest.raises(TypeError, match="kind"):
        WalletTransactionRow(**values, kind=1)
    with pytest.raises(AttributeError):
        row.kind = 1  # type: ignore[attr-defined]


def test_omitted_and_computed_names_must_be_columns() -> None:
    with pytest.raises(RowShapeInvalid, match="sequences"):
        BulkInsert(OutboxEvent, omit=("sequences",))
    with pytest.raises(RowShapeInvalid, match="created"):
        BulkInsert(OutboxEvent, computed={"created": "now()"})


def test_a_row_must_have_every_field_that_the_statement_reads(app: Flask) -> None:
    with reading() as session:
        assert send_rows(session, SUM, [Some(1), {"n": 2, "m": None}]).fetchone() == (3,)
        for row in ({"n": 1}, Less(1)):
            with pytest.raises(RowShapeInvalid, match="'m'"):
                send_rows(session, SUM, [row])
        with pytest.raises(RowShapeInvalid):
            send_rows(session, "SELECT 1", [])


def test_bytes_are_stored_unchanged(app: Flask) -> None:
    user = factories.actor().id
    row = {
        "user_id": user,
        "key": "key",
        "fingerprint": bytes(range(256)),
        "status": 201,
        "body": b"\x00\xff{}",
        "moves_money": True,
        "created_at": datetime.now(UTC),
    }
    with transaction() as session:
        BulkInsert(IdempotencyKey).execute(session, [row])

    assert fetch_one("SELECT fingerprint, body FROM idempotency_keys", {}) == (
        row["fingerprint"],
        row["body"],
    )


def test_columns_are_selected_under_the_names_of_their_attributes(app: Flask) -> None:
    with reading() as session:
        rows = session.connection().exec_driver_sql(
            f"SELECT {columns_of(WalletTransaction)} FROM wallet_transactions"
        )
        assert set(rows.keys()) == set(WalletTransaction.__mapper__.columns.keys())


@pytest.mark.parametrize("name", ALL_INSERTS)
def test_postgresql_accepts_every_insert_of_the_application(app: Flask, name: str) -> None:
    insert = ALL_INSERTS[name]
    placeholders = dict.fromkeys(re.findall(r"%\((\w+)\)s", insert.statement))
    del placeholders["rows"]
    with transaction() as session:
        insert.execute(session, [], **placeholders)


def test_the_inserts_of_the_application_were_found() -> None:
    assert "app.orders.repository._INSERT" in ALL_INSERTS
    assert len(ALL_INSERTS) >= 11
