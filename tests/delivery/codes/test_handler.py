"""Delivery of codes."""

from dataclasses import replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import db
from app.delivery.codes import service
from app.delivery.codes.handler import CodesHandler
from app.delivery.codes.models import ProductCode
from app.delivery.handler import OrderLine, StockMismatch
from app.events.models import OutboxEvent
from tests import factories
from tests.concurrency import broken_invariants
from tests.delivery.codes.helpers import codes_product, listed, stock, stocked, summary, upload
from tests.delivery.helpers import (
    bought,
    delivered,
    get_delivery,
    order,
    refund_units,
    revoke_units,
)
from tests.responses import refusal


def test_codes_are_sold_in_the_order_of_upload(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "A", "B", "C")
    upload(client, seller, product_id, ["D"])

    assert delivered(bought(factories.buyer(), product_id, 2))["codes"] == ["A", "B"]
    assert delivered(bought(factories.buyer(), product_id, 2))["codes"] == ["C", "D"]
    assert broken_invariants() == []


def test_the_buyer_can_retrieve_codes_immediately(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "A", "B", "C")
    buyer = factories.buyer("10.00")

    made = order(client, buyer, product_id, 2).json
    answer = get_delivery(client, buyer, made["id"])
    assert (answer.status_code, answer.json["codes"]) == (200, ["A", "B"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert refusal(get_delivery(client, seller, made["id"])) == (404, "ORDER_NOT_FOUND")

    assert refusal(order(client, buyer, product_id, 2)) == (400, "PRODUCT_OUT_OF_STOCK")
    assert order(client, buyer, product_id).status_code == 201
    assert summary(client, seller, product_id) == {"available": 0, "sold": 3, "revoked": 0}
    assert broken_invariants() == []


def test_a_batch_assigns_codes_in_the_order_of_its_lines(client: FlaskClient) -> None:
    _, one = stocked(client, *(f"A-{n}" for n in range(6)))
    _, other = stocked(client, *(f"B-{n}" for n in range(3)))
    orders = [paid(one, 2), paid(other, 2), paid(one, 1), paid(other, 1), paid(one, 3)]
    with db.transaction() as session:
        check = CodesHandler().reserve(session, orders)
        check()

    assert [delivered(line)["codes"] for line in orders] == [
        ["A-0", "A-1"],
        ["B-0", "B-1"],
        ["A-2"],
        ["B-2"],
        ["A-3", "A-4", "A-5"],
    ]
    assert broken_invariants() == []


def paid(product_id: UUID, quantity: int) -> OrderLine:
    """A completed order whose codes were released."""
    line = bought(factories.buyer(), product_id, quantity)
    with db.transaction() as session:
        CodesHandler().release(session, line)
    return line


def test_missing_codes_are_a_stock_mismatch(client: FlaskClient) -> None:
    _, product_id = stocked(client, "A", "B")
    line = paid(product_id, 1)
    excessive = replace(line, quantity=3)
    with pytest.raises(StockMismatch, match="2 of 3"), db.transaction() as session:
        CodesHandler().reserve(session, [excessive])()
    assert free_codes(product_id) == 2


def test_released_codes_are_available_again(client: FlaskClient) -> None:
    _, product_id = stocked(client, "A", "B")
    paid(product_id, 1)
    assert free_codes(product_id) == 2
    with db.transaction() as session:
        codes = session.scalars(select(ProductCode)).all()
    assert {code.taken_at for code in codes} == {None}


def free_codes(product_id: UUID) -> int:
    with db.transaction() as session:
        query = select(ProductCode).where(
            ProductCode.product_id == product_id, ProductCode.order_id.is_(None)
        )
        return len(session.scalars(query).all())


class TestRendering:
    def test_a_code_is_seen_when_it_is_first_retrieved(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B")
        line = bought(factories.buyer(), product_id)
        assert [row["seenAt"] for row in listed(client, seller, product_id)] == [None, None]
        delivered(line)
        first = listed(client, seller, product_id)[0]
        delivered(line)
        assert listed(client, seller, product_id)[0] == first
        assert first["seenAt"] >= first["takenAt"]
        assert first["orderId"] == str(line.order_id)

    def test_a_code_is_encrypted_for_its_row(self, client: FlaskClient) -> None:
        stocked(client, "GIFT-7F3A-21C9", "GIFT-0B6E-84D1")
        with db.transaction() as session:
            one, other = session.scalars(select(ProductCode)).all()
        assert b"GIFT" not in one.encrypted + other.encrypted
        with pytest.raises(Exception, match="encrypted for another context"):
            service.decrypt_code(one.encrypted, code_id=other.id)


class TestRevoking:
    def test_unseen_codes_return_to_their_old_position(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B", "C", "D")
        line = bought(factories.buyer(), product_id, 3)
        assert refund_units(line, 2) == 2
        assert delivered(line)["codes"] == ["A"]
        assert summary(client, seller, product_id) == {"available": 3, "sold": 1, "revoked": 0}
        assert revocations(line) == [{"released": 2, "lost": 0}]
        assert delivered(bought(factories.buyer(), product_id, 2))["codes"] == ["B", "C"]
        assert broken_invariants() == []

    def test_seen_codes_are_not_sold_again(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B", "C")
        line = bought(factories.buyer(), product_id, 2)
        delivered(line)
        assert refund_units(line, 1) == 0
        assert delivered(line)["codes"] == ["A"]
        rows = listed(client, seller, product_id, status="REVOKED")
        assert [(row["status"], row["orderId"]) for row in rows] == [
            ("REVOKED", str(line.order_id))
        ]
        assert stock(client, product_id) == 1
        assert revocations(line) == [{"released": 0, "lost": 1}]
        assert refund_units(line, 1) == 0
        assert broken_invariants() == []

    def test_unseen_codes_are_revoked_first(self, client: FlaskClient) -> None:
        _, product_id = stocked(client, "A", "B", "C")
        line = bought(factories.buyer(), product_id, 3)
        with db.transaction() as session:
            session.scalars(select(ProductCode).order_by(ProductCode.position)).all()[
                2
            ].seen_at = line_time(line)
        assert refund_units(line, 2) == 2
        assert delivered(line)["codes"] == ["C"]
        assert refund_units(line, 1) == 0

    def test_revoking_more_than_the_order_has_is_a_stock_mismatch(
        self, client: FlaskClient
    ) -> None:
        _, product_id = stocked(client, "A", "B")
        line = bought(factories.buyer(), product_id)
        with pytest.raises(StockMismatch):
            revoke_units(line, 2)
        assert delivered(line)["codes"] == ["A"]


def line_time(line: OrderLine) -> object:
    with db.transaction() as session:
        return session.scalars(
            select(ProductCode.taken_at).where(ProductCode.order_id == line.order_id)
        ).first()


def revocations(line: OrderLine) -> list[dict[str, int]]:
    """The codes-revoked events of an order."""
    with db.transaction() as session:
        found = session.scalars(
            select(OutboxEvent.data).where(
                OutboxEvent.type == "codes-revoked", OutboxEvent.aggregate_id == line.order_id
            )
        ).all()
    return [{name: data[name] for name in ("released", "lost")} for data in found]


def test_no_log_or_event_contains_a_code(
    client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    seller, product_id = stocked(client, "SECRET-CODE-1", "SECRET-CODE-1", "SECRET-CODE-2")
    line = bought(factories.buyer(), product_id)
    assert delivered(line)["codes"] == ["SECRET-CODE-1"]
    refund_units(line, 1)
    listed(client, seller, product_id)
    with db.transaction() as session:
        events = session.scalars(select(OutboxEvent.data)).all()
    assert "SECRET" not in str(events)
    out, err = capfd.readouterr()
    assert "SECRET" not in out + err


def test_a_product_without_codes_has_empty_lists(client: FlaskClient) -> None:
    seller = factories.merchant()
    product_id = codes_product(seller)
    assert summary(client, seller, product_id) == {"available": 0, "sold": 0, "revoked": 0}
    assert listed(client, seller, product_id) == []
