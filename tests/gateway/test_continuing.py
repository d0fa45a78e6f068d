"""Orders whose checkout was not answered: their key, their expiry, and outages of the gateway."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.common import circuit, clock, db
from app.gateway import client as client_of_gateway
from app.gateway.errors import AmountNotPayable, GatewayRefused, GatewayUnavailable
from app.idempotency.models import IdempotencyKey
from app.orders.checkouts import client as pages
from app.orders.checkouts import service as checkouts
from app.orders.checkouts import tasks
from app.orders.models import Checkout, Order
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.gateway.orders import create_order, deliver_and_handle
from tests.operations.access_matrix import EXPECTED, Route, operations_of
from tests.operations.sample_requests import BODIES
from tests.orders.helpers import ORDERS, balance, units
from tests.orders.refunds.helpers import shown
from tests.responses import created, error_body, refusal
from tests.stripe import Buyer, SandboxGateway, Shop


def begin(
    client: FlaskClient, gateway: SandboxGateway, buyer: Actor, product_id: UUID, key: str
) -> str:
    """An order whose checkout was not answered, because the response of the gateway was lost."""
    gateway.set_behaviour(fault="lost-answer", times=1)
    answer = create_order(client, buyer, product_id, key=key)
    assert refusal(answer) == (503, "GATEWAY_UNAVAILABLE")
    (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]
    order_id: str = pending["id"]
    return order_id


def wait(order_id: str) -> None:
    """Let the expiry of the checkout come too near for the gateway."""
    with db.transaction() as session:
        session.execute(
            update(Checkout)
            .where(Checkout.order_id == UUID(order_id))
            .values(expires_at=clock.now() - timedelta(minutes=1))
        )


def never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway does not get the first request for a checkout session."""
    create = client_of_gateway.create_checkout_session
    attempts: list[Any] = []

    def fail_once(*args: Any, **kwargs: Any) -> Any:
        attempts.append(args)
        if len(attempts) == 1:
            raise GatewayUnavailable
        return create(*args, **kwargs)

    monkeypatch.setattr(client_of_gateway, "create_checkout_session", fail_once)


class TestKey:
    """While a checkout is not answered, its Idempotency-Key belongs to it."""

    def test_no_other_operation_can_use_it(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor
    ) -> None:
        """Every operation that takes an Idempotency-Key and that a buyer may call."""
        buyer = factories.buyer("100.00")
        product_id = factories.product(seller, units=5)
        order_id = begin(client, gateway, buyer, product_id, "k-1")
        headers = buyer.headers | {"Idempotency-Key": "k-1"}
        values = {"caller": "x", "product_id": str(product_id), "user_id": str(seller.id)}
        tried = {}
        for route in takes_key(client):
            if EXPECTED[route]["user"] not in (200, 201):
                continue
            body = _fill(BODIES.get(route), values)
            answer = client.open(
                _path(route, order_id), method=route[0], json=body, headers=headers
            )
            tried[route] = answer.json["error"]
        assert ("POST", "/api/v1/orders") in tried
        assert ("POST", "/api/v1/transfers") in tried
        # A record that does not exist is reported before the key is looked at.
        assert set(tried.values()) <= {"IDEMPOTENCY_KEY_REUSED", "MERCHANT_CODE_NOT_FOUND"}, tried
        assert balance(client, buyer) == "100.00"

        body = created(create_order(client, buyer, product_id, key="k-1"))
        assert body["order"]["id"] == order_id
        again = create_order(client, buyer, product_id, key="k-1")
        assert again.headers["Idempotent-Replayed"] == "true"
        assert units(client, product_id) == 4
        assert broken_invariants() == []

    def test_it_is_stored_without_a_response_until_then(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller)
        begin(client, gateway, buyer, product_id, "k-2")
        assert stored_status(buyer) == [None]
        assert broken_invariants() == []
        created(create_order(client, buyer, product_id, key="k-2"))
        assert stored_status(buyer) == [201]

    def test_an_order_that_is_paid_before_it_is_answered_keeps_it(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller)
        order_id = begin(client, gateway, buyer, product_id, "k-3")
        with db.transaction() as session:
            found = checkouts.get_payable(session, order_id=UUID(order_id))
        assert found is not None
        Buyer().pay(pages.open_checkout(found).url)
        deliver_and_handle(client, shop.wait_for(1)[-1])
        assert broken_invariants() == []
        body = created(create_order(client, buyer, product_id, key="k-3"))
        assert (body["order"]["status"], body["checkoutUrl"]) == ("COMPLETED", None)
        assert broken_invariants() == []


def stored_status(buyer: Actor) -> list[int | None]:
    with db.transaction() as session:
        query = select(IdempotencyKey.status).where(IdempotencyKey.user_id == buyer.id)
        return list(session.scalars(query))


def takes_key(client: FlaskClient) -> list[Route]:
    return [
        route
        for route, operation in operations_of(client.application).items()
        if any(p.get("name") == "Idempotency-Key" for p in operation.get("parameters", ()))
    ]


def _path(route: Route, order_id: str) -> str:
    path = re.sub(r"{\w+_token}", "A" * 22, route[1])
    return re.sub(r"{\w+}", order_id, path)


def _fill(body: Any, values: dict[str, str]) -> Any:
    """The body with ids that have the right form; the key is looked at before they are."""
    if isinstance(body, dict):
        return {name: _fill(value, values) for name, value in body.items()}
    if isinstance(body, str) and body.startswith("{"):
        name = body.strip("{}")
        unknown = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"
        return values.get(name, "someone@example.com" if name == "email" else unknown)
    return body


class TestExpiry:
    def test_a_late_retry_gets_a_checkout(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        shop: Shop,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        """The gateway never got the first request, and its expiry is too near by now."""
        never_asked(monkeypatch)
        product_id = factories.product(seller, price="10.00", units=5)
        create_order(client, buyer, product_id, key="e-1")
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]
        wait(pending["id"])

        body = created(create_order(client, buyer, product_id, key="e-1"))

        assert (body["order"]["id"], body["order"]["status"]) == (pending["id"], "PENDING")
        Buyer().pay(body["checkoutUrl"])
        deliver_and_handle(client, shop.wait_for(1)[-1])
        assert shown(client, buyer, pending["id"])["status"] == "COMPLETED"
        assert broken_invariants() == []

    def test_a_session_that_exists_is_returned_and_not_made_again(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        """The expiry is part of the request that the gateway remembers, so it must not change."""
        product_id = factories.product(seller)
        order_id = begin(client, gateway, buyer, product_id, "e-2")
        with db.transaction() as session:
            found = checkouts.get_payable(session, order_id=UUID(order_id))
        assert found is not None
        first = pages.open_checkout(found).session_id
        body = created(create_order(client, buyer, product_id, key="e-2"))
        assert body["sessionId"] == first

    def test_concurrent_retries_agree_on_the_new_expiry(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        never_asked(monkeypatch)
        create_order(client, buyer, factories.product(seller), key="e-3")
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]
        wait(pending["id"])
        with db.transaction() as session:
            passed = session.get_one(Checkout, UUID(pending["id"])).expires_at
        expiries = set()
        for _ in range(2):
            with db.transaction() as session:
                renewed = checkouts.renew_expiry(
                    session, order_id=UUID(pending["id"]), passed=passed
                )
                assert renewed is not None
                expiries.add(renewed.checkout.expires_at)
        assert len(expiries) == 1
        assert min(expiries) > clock.now() + timedelta(minutes=30)

    @pytest.mark.parametrize("by", ["sweep", "buyer"])
    def test_an_order_that_never_had_a_session_can_be_ended(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
        by: str,
    ) -> None:
        never_asked(monkeypatch)
        product_id = factories.product(seller, units=5)
        create_order(client, buyer, product_id, key="e-4")
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]
        wait(pending["id"])
        if by == "sweep":
            tasks.close_checkout(UUID(pending["id"]))
        else:
            path = f"{ORDERS}/{pending['id']}/cancel"
            assert client.post(path, headers=buyer.headers).status_code == 200
        ended = shown(client, buyer, pending["id"])["status"]
        assert ended == ("FAILED" if by == "sweep" else "CANCELLED")
        assert units(client, product_id) == 5

        answer = create_order(client, buyer, product_id, key="e-4")
        assert refusal(answer) == (409, "CHECKOUT_ENDED")
        details = error_body(answer)["details"]
        assert (details["orderId"], details["status"]) == (pending["id"], ended)
        again = create_order(client, buyer, product_id, key="e-4")
        assert again.data == answer.data
        assert broken_invariants() == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("error", "first", "then"),
        [
            (
                AmountNotPayable(reason="amount_too_small"),
                (400, "AMOUNT_NOT_PAYABLE"),
                (400, "AMOUNT_NOT_PAYABLE"),
            ),
            (
                GatewayRefused(reason="account_closed"),
                (502, "GATEWAY_REFUSED"),
                (409, "CHECKOUT_ENDED"),
            ),
        ],
    )
    def test_201_is_never_said_of_an_order_that_failed(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
        error: GatewayRefused,
        first: tuple[int, str],
        then: tuple[int, str],
    ) -> None:
        def refuse(*_: Any, **__: Any) -> Any:
            raise error

        product_id = factories.product(seller, units=5)
        with monkeypatch.context() as patch:
            patch.setattr(client_of_gateway, "create_checkout_session", refuse)
            assert refusal(create_order(client, buyer, product_id, key="r-1")) == first
        (failed,) = client.get(ORDERS, headers=buyer.headers).json["data"]
        assert failed["status"] == "FAILED"
        for _ in range(2):
            answer = create_order(client, buyer, product_id, key="r-1")
            assert (answer.status_code, answer.json["error"]) == then
        assert units(client, product_id) == 5
        assert broken_invariants() == []
        with db.transaction() as session:
            session.execute(update(Order).values(completed_at=clock.now()))
        rule = "A stored success has its effect; a stored error moved no money"
        assert rule in broken_invariants()


class TestOutage:
    def test_orders_begun_before_survive_it_and_no_others_begin(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        """The circuit opens for a minute, by whose end the expiry of the order has come too near.

        Meanwhile nothing is reserved that could not be paid.
        """
        never_asked(monkeypatch)
        product_id = factories.product(seller, units=5)
        create_order(client, buyer, product_id, key="o-1")
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]
        with monkeypatch.context() as outage:
            outage.setattr(circuit, "is_open", lambda _: True)
            answer = create_order(client, buyer, product_id, key="o-2")
            assert refusal(answer) == (503, "GATEWAY_UNAVAILABLE")
            assert units(client, product_id) == 4
        wait(pending["id"])
        assert tasks.sweep() == 0

        body = created(create_order(client, buyer, product_id, key="o-1"))

        assert (body["order"]["id"], body["order"]["status"]) == (pending["id"], "PENDING")
        assert created(create_order(client, buyer, product_id, key="o-2"))["checkoutUrl"]
        assert broken_invariants() == []

    def test_a_circuit_is_open_until_its_reset_is_due(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise ConnectionError

        assert not circuit.is_open("a service of this test")
        for _ in range(circuit.MAX_FAILURES):
            with pytest.raises(ConnectionError):
                circuit.call("a service of this test", fail, failure=ConnectionError)
        assert circuit.is_open("a service of this test")
        monkeypatch.setattr(circuit, "RESET_SECONDS", 0)
        assert not circuit.is_open("a service of this test")
