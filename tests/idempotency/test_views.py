"""Repeated requests that move money, over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from app.common import clock, db
from app.common.errors import Unavailable
from app.idempotency.models import IdempotencyKey
from app.orders.models import Order
from app.retention import service as retention
from app.retention.tasks import prune
from tests import factories
from tests.factories import Actor
from tests.responses import refusal


@dataclass(frozen=True)
class Movement:
    """A request that moves money. spent: the debit of one success in cents."""

    path: str
    body: dict[str, Any]
    other_body: dict[str, Any]
    too_much: dict[str, Any] | None
    status: int
    spent: int


@pytest.fixture(params=["deposit", "withdraw", "orders"])
def movement(request: pytest.FixtureRequest, client: FlaskClient) -> Movement:
    if request.param == "orders":
        cheap = str(factories.product(factories.merchant(), price="10.00", units=50))
        dear = str(factories.product(factories.merchant(), price="9999.00", units=50))
        order = {"productId": cheap, "paymentMethod": "WALLET"}
        return Movement(
            "/api/v1/orders",
            order,
            order | {"quantity": 2},
            order | {"productId": dear},
            201,
            1000,
        )
    if request.param == "withdraw":
        return Movement(
            "/api/v1/wallet/withdraw",
            {"amount": "10.00"},
            {"amount": "10.01"},
            {"amount": "9999.00"},
            200,
            1000,
        )
    return Movement(
        "/api/v1/wallet/deposit", {"amount": "10.00"}, {"amount": "10.01"}, None, 200, -1000
    )


def send(
    client: FlaskClient, user: Actor, path: str, body: dict[str, Any], key: str | None
) -> TestResponse:
    headers = user.headers if key is None else user.headers | {"Idempotency-Key": key}
    return client.post(path, json=body, headers=headers)


def cents(client: FlaskClient, user: Actor) -> int:
    balance: str = client.get("/api/v1/wallet", headers=user.headers).json["balance"]
    return int(balance.replace(".", ""))


class TestReplay:
    def test_the_first_response_is_replayed_byte_for_byte(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")

        first, *again = [send(client, user, movement.path, movement.body, "k-1") for _ in range(4)]

        assert first.status_code == movement.status
        assert "Idempotent-Replayed" not in first.headers
        for answer in again:
            assert (answer.status_code, answer.data) == (first.status_code, first.data)
            assert answer.headers["Idempotent-Replayed"] == "true"
            assert answer.content_type == first.content_type
        assert cents(client, user) == 10_000 - movement.spent

    def test_a_request_without_a_key_is_always_executed(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")

        answers = [send(client, user, movement.path, movement.body, None) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [movement.status] * 3
        assert cents(client, user) == 10_000 - 3 * movement.spent

    def test_requests_with_different_keys_are_all_executed(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")

        for key in ("k-1", "K-1", "k-1 ".strip() + "1"):
            assert send(client, user, movement.path, movement.body, key).status_code < 300

        assert cents(client, user) == 10_000 - 3 * movement.spent

    def test_the_same_key_with_another_body_is_refused(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")
        first = send(client, user, movement.path, movement.body, "k-1")

        answer = send(client, user, movement.path, movement.other_body, "k-1")

        assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert send(client, user, movement.path, movement.body, "k-1").data == first.data
        assert cents(client, user) == 10_000 - movement.spent

    def test_the_same_key_at_another_endpoint_is_refused(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")
        send(client, user, movement.path, movement.body, "k-1")
        other_path = (
            "/api/v1/wallet/deposit"
            if movement.path.endswith("withdraw")
            else "/api/v1/wallet/withdraw"
        )

        answer = send(client, user, other_path, {"amount": "10.00"}, "k-1")

        assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")

    def test_keys_of_different_users_are_independent(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        alice, bob = factories.buyer("100.00"), factories.buyer("100.00")

        answers = [send(client, user, movement.path, movement.body, "k-1") for user in (alice, bob)]

        assert [answer.status_code for answer in answers] == [movement.status] * 2
        assert answers[0].data != answers[1].data
        assert cents(client, alice) == cents(client, bob) == 10_000 - movement.spent

    def test_a_refusal_is_replayed_byte_for_byte(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")
        if movement.too_much is None:
            body, code = {"amount": "10000.01"}, "INVALID_DEPOSIT_AMOUNT"
        else:
            body, code = movement.too_much, "INSUFFICIENT_FUNDS"

        first = send(client, user, movement.path, body, "k-1")
        for _ in range(3):  # now the balance is sufficient
            send(client, user, "/api/v1/wallet/deposit", {"amount": "9000.00"}, None)
        again = send(client, user, movement.path, body, "k-1")

        assert refusal(first) == (400, code)
        assert (again.status_code, again.data) == (400, first.data)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert cents(client, user) == 10_000 + 3 * 900_000

    def test_a_replay_requires_a_valid_token(self, client: FlaskClient, movement: Movement) -> None:
        user = factories.buyer("100.00")
        send(client, user, movement.path, movement.body, "k-1")
        client.post("/api/v1/auth/logout", headers=user.headers)

        answer = send(client, user, movement.path, movement.body, "k-1")

        assert refusal(answer) == (401, "UNAUTHORIZED")

    @pytest.mark.parametrize(
        "failure",
        [Unavailable(), RuntimeError("disk failure")],
        ids=["busy", "unexpected"],
    )
    def test_a_server_error_is_not_stored(
        self,
        client: FlaskClient,
        movement: Movement,
        monkeypatch: pytest.MonkeyPatch,
        failure: Exception,
    ) -> None:
        user = factories.buyer("100.00")

        def fail(*_: Any, **__: Any) -> None:
            raise failure

        with monkeypatch.context() as broken:
            broken.setattr("app.wallets.ledger.write_entries", fail)
            first = send(client, user, movement.path, movement.body, "k-1")
        second = send(client, user, movement.path, movement.body, "k-1")

        assert first.status_code in (500, 503)
        assert second.status_code == movement.status
        assert "Idempotent-Replayed" not in second.headers
        assert cents(client, user) == 10_000 - movement.spent

    def test_an_invalid_request_does_not_use_up_the_key(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")

        first = send(client, user, movement.path, {"amont": "10.00"}, "k-1")
        second = send(client, user, movement.path, movement.body, "k-1")

        assert refusal(first) == (400, "VALIDATION_ERROR")
        assert second.status_code == movement.status


class TestKeys:
    @pytest.mark.parametrize("key", ["x", "x" * 255, "!~", "a/b?c=d&e", '"quoted"', "';--"])
    def test_keys_of_1_to_255_printable_ascii_characters_are_accepted(
        self, client: FlaskClient, key: str
    ) -> None:
        user = factories.actor()

        answers = [
            send(client, user, "/api/v1/wallet/deposit", {"amount": "1.00"}, key) for _ in range(2)
        ]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert cents(client, user) == 100

    @pytest.mark.parametrize(
        "key", ["", "x" * 256, "a b", " ", "schlüssel", "tab\tbed", "\x7f", "\xa0"]
    )
    def test_other_keys_are_refused(
        self, client: FlaskClient, movement: Movement, key: str
    ) -> None:
        user = factories.buyer("100.00")

        answer = send(client, user, movement.path, movement.body, key)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["Idempotency-Key"]
        assert cents(client, user) == 10_000

    def test_an_order_shows_its_idempotency_key(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        answer = send(
            client,
            factories.buyer(),
            "/api/v1/orders",
            {"productId": str(product_id), "paymentMethod": "WALLET"},
            "order-7f3a",
        )

        assert answer.json["idempotencyKey"] == "order-7f3a"


class TestRetention:
    @pytest.fixture
    def delete_after_retention(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
        def delete_a_week_later() -> int:
            with monkeypatch.context() as later:
                future = (
                    clock.now()
                    + retention.periods().by_setting["retention_responses"]
                    + timedelta(seconds=1)
                )
                later.setattr(clock, "now", lambda: future)
                return prune()

        return delete_a_week_later

    def test_responses_are_kept_for_seven_days(
        self, client: FlaskClient, movement: Movement
    ) -> None:
        user = factories.buyer("100.00")
        first = send(client, user, movement.path, movement.body, "k-1")

        assert prune() == 0
        with db.transaction() as session:
            session.execute(
                text("UPDATE idempotency_keys SET created_at = created_at - '6.9 days'::interval")
            )
        assert prune() == 0

        assert send(client, user, movement.path, movement.body, "k-1").data == first.data

    def test_a_key_is_refused_after_its_response_was_deleted(
        self, client: FlaskClient, movement: Movement, delete_after_retention: Callable[[], int]
    ) -> None:
        user = factories.buyer("100.00")
        send(client, user, movement.path, movement.body, "k-1")

        assert delete_after_retention() == 1
        answer = send(client, user, movement.path, movement.body, "k-1")

        assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert cents(client, user) == 10_000 - movement.spent

    def test_a_refused_request_can_be_retried_after_the_retention(
        self, client: FlaskClient, delete_after_retention: Callable[[], int]
    ) -> None:
        user = factories.actor()
        path, body = "/api/v1/wallet/withdraw", {"amount": "5.00"}
        assert send(client, user, path, body, "k-1").status_code == 400
        delete_after_retention()
        send(client, user, "/api/v1/wallet/deposit", {"amount": "5.00"}, None)

        assert send(client, user, path, body, "k-1").status_code == 200

    def test_deleting_twice_is_harmless(
        self, client: FlaskClient, delete_after_retention: Callable[[], int]
    ) -> None:
        user = factories.actor()
        send(client, user, "/api/v1/wallet/deposit", {"amount": "5.00"}, "k-1")

        assert [delete_after_retention(), delete_after_retention()] == [1, 0]


class TestAtomicity:
    def test_key_and_effect_are_committed_together(self, client: FlaskClient) -> None:
        user = factories.buyer("5.00")
        product_id = factories.product(factories.merchant(), price="10.00")
        body = {"productId": str(product_id), "paymentMethod": "WALLET"}

        send(client, user, "/api/v1/orders", body, "refused")
        send(client, user, "/api/v1/wallet/deposit", {"amount": "10.00"}, "deposited")
        send(client, user, "/api/v1/orders", body, "bought")

        with db.transaction() as session:
            stored = dict(
                session.execute(
                    select(IdempotencyKey.key, IdempotencyKey.status).where(
                        IdempotencyKey.user_id == user.id
                    )
                ).all()
            )
            orders = session.scalar(select(func.count()).select_from(Order))
        assert stored == {"refused": 400, "deposited": 200, "bought": 201}
        assert orders == 1
