"""Holds, over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import clock
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.lists import pages_of
from tests.responses import created, refusal
from tests.wallets.helpers import deposit, lock, withdraw
from tests.wallets.holds.helpers import HOLDS, amounts, capture, ids, place, show, void

UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


@pytest.fixture
def hold_id(client: FlaskClient, payer: Actor, payee: Actor) -> str:
    """A hold of 40.00 of the payer's 100.00."""
    return str(place(client, payer, payee).json["id"])


class TestPlacing:
    def test_a_held_amount_is_no_longer_available(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        answer = place(client, payer, payee, "40.00", description="Room 12")

        hold = created(answer)
        assert list(hold) == [
            "id",
            "status",
            "type",
            "amount",
            "capturedAmount",
            "currency",
            "description",
            "payerId",
            "payeeId",
            "referenceType",
            "referenceId",
            "expiresAt",
            "createdAt",
            "closedAt",
        ]
        assert hold | {"id": "", "expiresAt": "", "createdAt": ""} == {
            "id": "",
            "status": "ACTIVE",
            "type": "PAYMENT",
            "amount": "40.00",
            "capturedAmount": "0.00",
            "currency": "USD",
            "description": "Room 12",
            "payerId": str(payer.id),
            "payeeId": str(payee.id),
            "referenceType": None,
            "referenceId": None,
            "expiresAt": "",
            "createdAt": "",
            "closedAt": None,
        }
        assert amounts(client, payer) == ("100.00", "40.00", "60.00")
        assert amounts(client, payee) == ("0.00", "0.00", "0.00")

    def test_the_default_expiry_is_a_week(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        def lifetime(**fields: Any) -> timedelta:
            hold = place(client, payer, payee, "1.00", **fields).json
            moments = (datetime.fromisoformat(hold[name]) for name in ("createdAt", "expiresAt"))
            created, expires = moments
            return expires - created

        second = timedelta(seconds=1)
        in_two_days = (clock.now() + timedelta(days=2)).isoformat()
        assert abs(lifetime() - timedelta(days=7)) < second
        assert abs(lifetime(expiresIn=90) - timedelta(seconds=90)) < second
        assert abs(lifetime(expiresIn=30 * 86400) - timedelta(days=30)) < second
        assert abs(lifetime(expiresAt=in_two_days) - timedelta(days=2)) < second

    def test_a_held_amount_cannot_be_spent_withdrawn_or_held_again(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str
    ) -> None:
        product_id = factories.product(payee, price="60.01")
        order = {"productId": str(product_id), "paymentMethod": "WALLET"}
        bought = client.post("/api/v1/orders", json=order, headers=payer.headers)

        assert refusal(bought) == (400, "INSUFFICIENT_FUNDS")
        assert bought.json["details"] == {"required": "60.01", "available": "60.00"}
        assert refusal(withdraw(client, payer, "60.01")) == (400, "INSUFFICIENT_FUNDS")
        assert refusal(place(client, payer, payee, "60.01")) == (400, "INSUFFICIENT_FUNDS")
        assert withdraw(client, payer, "60.00").status_code == 200
        assert amounts(client, payer) == ("40.00", "40.00", "0.00")

    @pytest.mark.parametrize("whom", ["user", "unknown", "deactivated"])
    def test_only_an_active_merchant_can_be_the_payee(
        self, client: FlaskClient, payer: Actor, payee: Actor, whom: str
    ) -> None:
        payee_id = {"user": str(factories.actor().id), "unknown": UNKNOWN}.get(whom, str(payee.id))
        if whom == "deactivated":
            client.post(
                f"/api/v1/admin/users/{payee.id}/deactivate",
                json={"reason": "Fraud"},
                headers=factories.admin().headers,
            )

        answer = client.post(
            HOLDS, json={"payeeId": payee_id, "amount": "1.00"}, headers=payer.headers
        )

        assert refusal(answer) == (404, "PAYEE_NOT_FOUND")

    def test_nothing_is_held_for_a_merchant_whose_wallet_is_locked(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        """Who sells nothing, and could not capture it either."""
        lock(client, payee)

        assert refusal(place(client, payer, payee, "1.00")) == (403, "WALLET_LOCKED")
        assert refusal(place(client, payer, payee, "100.01")) == (400, "INSUFFICIENT_FUNDS")
        assert amounts(client, payer) == ("100.00", "0.00", "100.00")

    def test_a_hold_for_oneself_is_refused(self, client: FlaskClient, payee: Actor) -> None:
        deposit(client, payee, "10.00")

        answer = place(client, payee, payee, "1.00")

        assert refusal(answer) == (400, "CANNOT_PAY_YOURSELF")

    def test_a_locked_wallet_is_refused(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        lock(client, payer)

        assert refusal(place(client, payer, payee)) == (403, "WALLET_LOCKED")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("amount", "0"),
            ("amount", "-1"),
            ("amount", "0.001"),
            ("amount", None),
            ("payeeId", "somebody"),
            ("expiresIn", 0),
            ("expiresIn", 30 * 86400 + 1),
            ("expiresIn", "60"),
            ("expiresAt", "2020-01-01"),
            ("expiresAt", "2999-01-01"),
            ("expiresAt", "tomorrow"),
            ("description", "x" * 201),
            ("currency", "EUR"),
        ],
    )
    def test_invalid_arguments_are_refused(
        self, client: FlaskClient, payer: Actor, payee: Actor, field: str, value: Any
    ) -> None:
        answer = place(client, payer, payee, **{"amount": "1.00"} | {field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_the_expiry_can_be_given_only_once(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        answer = place(client, payer, payee, expiresIn=60, expiresAt="2027-01-01")

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["expiresAt"]


class TestCapturing:
    def test_the_default_is_the_full_amount(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str
    ) -> None:
        answer = capture(client, payee, hold_id)

        assert answer.status_code == 200
        assert (answer.json["status"], answer.json["capturedAmount"]) == ("CAPTURED", "40.00")
        assert answer.json["closedAt"] is not None
        assert amounts(client, payer) == ("60.00", "0.00", "60.00")
        assert amounts(client, payee) == ("40.00", "0.00", "40.00")
        assert broken_invariants() == []

    def test_a_partial_capture_releases_the_rest(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str
    ) -> None:
        answer = capture(client, payee, hold_id, "15.50")

        assert (answer.json["amount"], answer.json["capturedAmount"]) == ("40.00", "15.50")
        assert amounts(client, payer) == ("84.50", "0.00", "84.50")
        assert amounts(client, payee) == ("15.50", "0.00", "15.50")
        assert refusal(capture(client, payee, hold_id, "1.00")) == (409, "HOLD_CLOSED")

    def test_the_histories_of_both_wallets_show_the_description(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        hold_id = place(client, payer, payee, "40.00", description="Room 12").json["id"]
        capture(client, payee, hold_id)

        def newest(user: Actor) -> dict[str, Any]:
            page = client.get("/api/v1/wallet/transactions", headers=user.headers).json
            row: dict[str, Any] = page["data"][0]
            return {name: row[name] for name in ("type", "amount", "description", "referenceType")}

        same = {"amount": "40.00", "description": "Room 12", "referenceType": "hold"}
        assert newest(payer) == {"type": "PAYMENT"} | same
        assert newest(payee) == {"type": "EARNING"} | same

    def test_a_capture_above_the_held_amount_is_refused(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str
    ) -> None:
        answer = capture(client, payee, hold_id, "40.01")

        assert refusal(answer) == (400, "CAPTURE_EXCEEDS_HOLD")
        assert answer.json["details"] == {"held": "40.00", "requested": "40.01"}
        assert amounts(client, payer) == ("100.00", "40.00", "60.00")

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", True, "all"])
    def test_an_invalid_amount_is_refused(
        self, client: FlaskClient, payee: Actor, hold_id: str, amount: Any
    ) -> None:
        answer = capture(client, payee, hold_id, amount)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["amount"]

    @pytest.mark.parametrize("whose", ["payer", "payee"])
    def test_a_capture_with_a_locked_wallet_is_refused(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str, whose: str
    ) -> None:
        lock(client, payer if whose == "payer" else payee)

        assert refusal(capture(client, payee, hold_id)) == (403, "WALLET_LOCKED")
        assert show(client, payee, hold_id).json["status"] == "ACTIVE"
        assert amounts(client, payer) == ("100.00", "40.00", "60.00")

    def test_a_repeated_capture_is_replayed(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str
    ) -> None:
        key = {"Idempotency-Key": "capture-1"}
        answers = [capture(client, payee, hold_id, "10.00", **key) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].data == answers[1].data
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert amounts(client, payee) == ("10.00", "0.00", "10.00")
        assert broken_invariants() == []


class TestVoiding:
    def test_voiding_releases_the_full_amount(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str
    ) -> None:
        answer = void(client, payee, hold_id)

        assert answer.status_code == 200
        assert (answer.json["status"], answer.json["capturedAmount"]) == ("VOIDED", "0.00")
        assert amounts(client, payer) == ("100.00", "0.00", "100.00")
        assert broken_invariants() == []

    def test_a_hold_of_a_locked_wallet_can_be_voided(
        self, client: FlaskClient, payer: Actor, payee: Actor, hold_id: str
    ) -> None:
        lock(client, payer)

        assert void(client, payee, hold_id).status_code == 200
        assert amounts(client, payer) == ("100.00", "0.00", "100.00")

    @pytest.mark.parametrize("end", [capture, void])
    def test_a_closed_hold_cannot_be_closed_again(
        self, client: FlaskClient, payee: Actor, hold_id: str, end: Any
    ) -> None:
        status = end(client, payee, hold_id).json["status"]

        for again in (capture(client, payee, hold_id), void(client, payee, hold_id)):
            assert refusal(again) == (409, "HOLD_CLOSED")
            assert again.json["details"] == {"status": status}

    @pytest.mark.parametrize("end", [capture, void])
    def test_the_payer_can_neither_capture_nor_void(
        self, client: FlaskClient, payer: Actor, hold_id: str, end: Any
    ) -> None:
        answer = end(client, payer, hold_id)

        assert refusal(answer) == (403, "FORBIDDEN")
        assert answer.json["message"] == ("Only the payee can capture or void a hold")
        assert amounts(client, payer) == ("100.00", "40.00", "60.00")

    @pytest.mark.parametrize("end", [capture, void])
    def test_other_users_do_not_find_the_hold(
        self, client: FlaskClient, payee: Actor, hold_id: str, end: Any
    ) -> None:
        end(client, payee, hold_id)

        for other in (factories.actor(), factories.merchant(), factories.admin()):
            assert refusal(end(client, other, hold_id)) == (404, "HOLD_NOT_FOUND")
        assert refusal(end(client, payee, UNKNOWN)) == (404, "HOLD_NOT_FOUND")


class TestReading:
    def test_both_parties_read_the_same(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        made = place(client, payer, payee).json

        assert show(client, payer, made["id"]).json == made
        assert show(client, payee, made["id"]).json == made

    def test_other_users_cannot_read_the_hold(self, client: FlaskClient, hold_id: str) -> None:
        for other in (factories.actor(), factories.admin()):
            assert refusal(show(client, other, hold_id)) == (404, "HOLD_NOT_FOUND")
            assert ids(client, other) == []

    def test_the_list_is_newest_first_and_filtered_by_role_and_status(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        other = factories.merchant()
        deposit(client, payee, "10.00")
        paid = [place(client, payer, payee, "1.00").json["id"] for _ in range(3)]
        outgoing = place(client, payee, other, "2.00").json["id"]
        capture(client, payee, paid[0])
        void(client, payee, paid[1])

        assert ids(client, payer) == [paid[2], paid[1], paid[0]]
        assert ids(client, payee) == [outgoing, paid[2], paid[1], paid[0]]
        assert ids(client, payee, role="payer") == [outgoing]
        assert ids(client, payee, role="payee") == [paid[2], paid[1], paid[0]]
        assert ids(client, payer, status="ACTIVE") == [paid[2]]
        assert ids(client, payer, status="CAPTURED") == [paid[0]]
        assert ids(client, payee, role="payee", status="VOIDED") == [paid[1]]
        assert ids(client, payer, role="payee") == []

    def test_pages_contain_each_hold_once(
        self, client: FlaskClient, payer: Actor, payee: Actor
    ) -> None:
        deposit(client, payee, "10.00")
        made = [place(client, payer, payee, "1.00").json["id"] for _ in range(3)]
        made += [place(client, payee, factories.merchant(), "1.00").json["id"] for _ in range(2)]
        newest_first = made[::-1]

        assert ids(client, payee, limit=2, page=2) == newest_first[2:4]
        assert ids(client, payee, limit=2, page=3) == newest_first[4:]
        pages = list(pages_of(client, payee, HOLDS, limit=2))
        assert [(page["meta"]["total"], page["meta"]["totalPages"]) for page in pages] == [
            (5, 3)
        ] * 3
        assert [hold["id"] for page in pages for hold in page["data"]] == newest_first

    @pytest.mark.parametrize(
        "query",
        [{"role": "both"}, {"status": "OPEN"}, {"cursor": "garbage"}, {"limit": "0"}],
        ids=str,
    )
    def test_invalid_arguments_are_refused(
        self, client: FlaskClient, payer: Actor, query: dict[str, str]
    ) -> None:
        answer = client.get(HOLDS, query_string=query, headers=payer.headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == list(query)
