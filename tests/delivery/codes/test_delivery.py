"""Codes as buyers get them."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import db
from app.delivery.codes import service
from app.delivery.codes.models import ProductCode
from app.delivery.goods import GoodsMissing, Line
from app.events.models import OutboxEvent
from tests import factories
from tests.answers import refusal
from tests.concurrency import broken
from tests.delivery.codes.helpers import listed, shelf, stock, stocked, summary, upload
from tests.delivery.helpers import bought, goods, order, revoked, shown, taken_back


def test_codes_are_sold_in_the_order_of_upload(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "A", "B", "C")
    upload(client, seller, product_id, ["D"])

    assert shown(bought(factories.buyer(), product_id, 2)) == {"codes": ["A", "B"]}
    assert shown(bought(factories.buyer(), product_id, 2)) == {"codes": ["C", "D"]}
    assert broken() == []


def test_the_buyer_has_them_in_the_same_breath(client: FlaskClient) -> None:
    seller, product_id = stocked(client, "A", "B", "C")
    buyer = factories.buyer("10.00")

    made = order(client, buyer, product_id, 2).json
    answer = goods(client, buyer, made["id"])
    assert (answer.status_code, answer.json["codes"]) == (200, ["A", "B"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert refusal(goods(client, seller, made["id"])) == (404, "ORDER_NOT_FOUND")

    assert refusal(order(client, buyer, product_id, 2)) == (400, "PRODUCT_OUT_OF_STOCK")
    assert order(client, buyer, product_id).status_code == 201
    assert summary(client, seller, product_id) == {"available": 0, "sold": 3, "revoked": 0}
    assert broken() == []


def test_a_batch_deals_codes_out_in_the_order_of_its_lines(client: FlaskClient) -> None:
    _, one = stocked(client, *(f"A-{n}" for n in range(6)))
    _, other = stocked(client, *(f"B-{n}" for n in range(3)))
    orders = [paid(one, 2), paid(other, 2), paid(one, 1), paid(other, 1), paid(one, 3)]
    with db.transaction() as session:
        check = service.reserve(session, orders)
        check()

    assert [shown(line)["codes"] for line in orders] == [
        ["A-0", "A-1"],
        ["B-0", "B-1"],
        ["A-2"],
        ["B-2"],
        ["A-3", "A-4", "A-5"],
    ]
    assert broken() == []


def paid(product_id: UUID, quantity: int) -> Line:
    """An order that has no goods yet."""
    line = bought(factories.buyer(), product_id, quantity)
    with db.transaction() as session:
        service.release(session, line)
    return line


def test_more_than_there_is_is_a_bug_that_is_noticed(client: FlaskClient) -> None:
    _, product_id = stocked(client, "A", "B")
    line = paid(product_id, 1)
    asked = Line(line.order_id, product_id, line.kind, 3)
    with pytest.raises(GoodsMissing, match="2 of 3"), db.transaction() as session:
        service.reserve(session, [asked])()
    assert free_codes(product_id) == 2


def test_what_was_reserved_in_vain_is_sold_to_the_next(client: FlaskClient) -> None:
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


class TestShowing:
    def test_a_code_is_seen_when_it_is_first_shown(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B")
        line = bought(factories.buyer(), product_id)
        assert [row["seenAt"] for row in listed(client, seller, product_id)] == [None, None]
        shown(line)
        first = listed(client, seller, product_id)[0]
        shown(line)
        assert listed(client, seller, product_id)[0] == first
        assert first["seenAt"] >= first["takenAt"]
        assert first["orderId"] == str(line.order_id)

    def test_a_code_is_sealed_for_its_row(self, client: FlaskClient) -> None:
        stocked(client, "GIFT-7F3A-21C9", "GIFT-0B6E-84D1")
        with db.transaction() as session:
            one, other = session.scalars(select(ProductCode)).all()
        assert b"GIFT" not in one.sealed + other.sealed
        with pytest.raises(Exception, match="encrypted for another context"):
            service.open_code(one.sealed, code_id=other.id)


class TestTakingBack:
    def test_what_nobody_saw_is_sold_again_at_its_old_place(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B", "C", "D")
        line = bought(factories.buyer(), product_id, 3)
        assert taken_back(line, 2) == 2
        assert shown(line) == {"codes": ["A"]}
        assert summary(client, seller, product_id) == {"available": 3, "sold": 1, "revoked": 0}
        assert revocations(line) == [{"released": 2, "lost": 0}]
        assert shown(bought(factories.buyer(), product_id, 2)) == {"codes": ["B", "C"]}
        assert broken() == []

    def test_what_was_seen_is_lost_to_everybody(self, client: FlaskClient) -> None:
        seller, product_id = stocked(client, "A", "B", "C")
        line = bought(factories.buyer(), product_id, 2)
        shown(line)
        assert taken_back(line, 1) == 0
        assert shown(line) == {"codes": ["A"]}
        rows = listed(client, seller, product_id, status="REVOKED")
        assert [(row["status"], row["orderId"]) for row in rows] == [
            ("REVOKED", str(line.order_id))
        ]
        assert stock(client, product_id) == 1
        assert revocations(line) == [{"released": 0, "lost": 1}]
        assert taken_back(line, 1) == 0
        assert broken() == []

    def test_what_nobody_saw_goes_first(self, client: FlaskClient) -> None:
        _, product_id = stocked(client, "A", "B", "C")
        line = bought(factories.buyer(), product_id, 3)
        with db.transaction() as session:
            session.scalars(select(ProductCode).order_by(ProductCode.position)).all()[
                2
            ].seen_at = line_time(line)
        assert taken_back(line, 2) == 2
        assert shown(line) == {"codes": ["C"]}
        assert taken_back(line, 1) == 0

    def test_more_than_the_order_has_is_a_bug_that_is_noticed(self, client: FlaskClient) -> None:
        _, product_id = stocked(client, "A", "B")
        line = bought(factories.buyer(), product_id)
        with pytest.raises(GoodsMissing):
            revoked(line, 2)
        assert shown(line) == {"codes": ["A"]}


def line_time(line: Line) -> object:
    with db.transaction() as session:
        return session.scalars(
            select(ProductCode.taken_at).where(ProductCode.order_id == line.order_id)
        ).first()


def revocations(line: Line) -> list[dict[str, int]]:
    """What the outbox says of codes of an order that were taken back."""
    with db.transaction() as session:
        found = session.scalars(
            select(OutboxEvent.data).where(
                OutboxEvent.type == "codes-revoked", OutboxEvent.aggregate_id == line.order_id
            )
        ).all()
    return [{name: data[name] for name in ("released", "lost")} for data in found]


def test_no_code_is_in_a_log_or_an_event(
    client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    seller, product_id = stocked(client, "SECRET-CODE-1", "SECRET-CODE-1", "SECRET-CODE-2")
    line = bought(factories.buyer(), product_id)
    assert shown(line) == {"codes": ["SECRET-CODE-1"]}
    taken_back(line, 1)
    listed(client, seller, product_id)
    with db.transaction() as session:
        events = session.scalars(select(OutboxEvent.data)).all()
    assert "SECRET" not in str(events)
    out, err = capfd.readouterr()
    assert "SECRET" not in out + err


def test_a_product_without_codes_shows_none(client: FlaskClient) -> None:
    seller = factories.merchant()
    product_id = shelf(seller)
    assert summary(client, seller, product_id) == {"available": 0, "sold": 0, "revoked": 0}
    assert listed(client, seller, product_id) == []
