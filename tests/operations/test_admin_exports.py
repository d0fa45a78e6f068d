"""Lists of administrators as CSV: the rows of the list, and a record of who exported them."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.common import db
from app.common.db import reading
from tests import factories
from tests.administration.helpers import ADMIN, rows
from tests.factories import Actor
from tests.operations.sample_requests import SampleData
from tests.orders.helpers import buy

#: The list, the column of the export with the ID of a row, and the noun of its record.
LISTS = [
    ("users", "userId", "user"),
    ("wallets", "walletId", "wallet"),
    ("wallets/{wallet_id}/transactions", "transactionId", "transaction"),
    ("orders", "orderId", "order"),
    ("refunds", "refundId", "refund"),
    ("payouts", "payoutId", "payout"),
    ("on-ramps", "onrampId", "on-ramp"),
    ("inbound-events", "inboundEventId", "inbound-event"),
    ("events", "eventId", "held-event"),
    ("audit", "recordId", "audit-record"),
    ("risk/cases", "caseId", "case"),
]


def export(client: FlaskClient, admin: Actor, path: str, **query: Any) -> list[dict[str, str]]:
    if "since" in query:
        query["from"] = query.pop("since")
    answer = client.get(
        f"{ADMIN}/{path}/export", query_string=query, headers=admin.headers, buffered=True
    )
    assert answer.status_code == 200, answer.text
    assert answer.content_type.startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def last_record(admin: Actor) -> AuditRecord:
    query = select(AuditRecord).where(AuditRecord.actor_id == admin.id)
    with reading() as session:
        return session.scalars(query.order_by(AuditRecord.id.desc()).limit(1)).one()


@pytest.mark.parametrize(("path", "column", "noun"), LISTS)
def test_it_has_the_rows_of_the_list_and_is_audited(
    client: FlaskClient, data: SampleData, path: str, column: str, noun: str
) -> None:
    admin, path = data.actors["admin"], path.format_map(data.names)
    listed = [row["id"] for row in rows(client, admin, path, limit=100)]
    exported = [row[column] for row in export(client, admin, path)]

    if path == "audit":  # which has the record of the export by now
        exported = exported[1:]
    if noun not in ("refund", "case"):  # of which the sample data has none
        assert listed
    assert exported == listed
    assert last_record(admin).action == f"{noun}.export"


def test_filters_of_the_list_are_those_of_the_export(client: FlaskClient) -> None:
    admin, seller, buyer = factories.admin(), factories.merchant(), factories.buyer()
    product_id = factories.product(seller)
    order_ids = [buy(client, buyer, product_id).json["id"] for _ in range(3)]
    buy(client, factories.buyer(), product_id)

    found = export(
        client, admin, "orders", buyerId=buyer.id, status="COMPLETED", since="2020-01-01"
    )
    assert [row["orderId"] for row in found] == order_ids[::-1]
    assert (found[0]["amount"], found[0]["buyerEmail"]) == ("10.00", buyer.email)
    assert last_record(admin).details == {
        "buyerId": str(buyer.id),
        "status": "COMPLETED",
        "from": "2020-01-01",
    }
    assert export(client, admin, "orders", buyerId=buyer.id, to="2020-01-01") == []
    found = export(client, admin, "users", q=buyer.email, role="USER")
    assert [row["userId"] for row in found] == [str(buyer.id)]
    assert export(client, admin, "users", state="DEACTIVATED") == []
    wallet = client.get("/api/v1/wallet", headers=buyer.headers).json
    path = f"wallets/{wallet['id']}/transactions"
    found = export(client, admin, path, type="PAYMENT")
    assert [row["amount"] for row in found] == ["-10.00"] * 3
    assert [int(row["sequence"]) for row in found] == [4, 3, 2]
    assert str(last_record(admin).target_id) == wallet["id"]


def test_several_batches_are_one_document(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, buyer = factories.admin(), factories.buyer()
    product_id = factories.product(factories.merchant())
    order_ids = [buy(client, buyer, product_id).json["id"] for _ in range(5)]
    monkeypatch.setattr("app.auth.admin_exports.http.CHUNK", 2)

    assert [
        row["orderId"] for row in export(client, admin, "orders", buyerId=buyer.id)
    ] == order_ids[::-1]
    wallet_id = client.get("/api/v1/wallet", headers=buyer.headers).json["id"]
    found = export(client, admin, f"wallets/{wallet_id}/transactions")
    assert [int(row["sequence"]) for row in found] == [6, 5, 4, 3, 2, 1]


def test_texts_of_users_are_no_formulas(client: FlaskClient) -> None:
    admin, user = factories.admin(), factories.actor()
    with db.transaction() as session:
        factories.as_owner(
            session, f"UPDATE users SET first_name = '=cmd()' WHERE id = '{user.id}'"
        )

    (row,) = export(client, admin, "users", q=user.email)
    assert row["firstName"] == "'=cmd()"
