"""Sending transfers, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.responses import created, error_body, refusal
from tests.transfers.helpers import (
    API,
    TRANSFERS,
    balance,
    deactivate,
    events_of,
    history,
    number_of,
    send,
    transfers,
    with_name,
)
from tests.wallets.helpers import lock, set_limit

PHONE = "+14155550111"


@pytest.fixture
def alice(client: FlaskClient) -> Actor:
    return with_name(client, factories.buyer("100.00"), "Alice", "Jones")


@pytest.fixture
def bob(client: FlaskClient) -> Actor:
    return with_name(client, factories.actor(phone=PHONE), "Bob", "Stone")


class TestSending:
    def test_a_transfer_is_immediate_and_returned(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        answer = send(client, alice, bob, "12.50", note=" Lunch on Friday ")

        transfer = created(answer)
        assert list(transfer) == [
            "id",
            "direction",
            "amount",
            "currency",
            "note",
            "sender",
            "receiver",
            "referenceType",
            "referenceId",
            "createdAt",
            "object",
        ]
        assert transfer["direction"] == "OUT"
        assert (transfer["amount"], transfer["currency"]) == ("12.50", "USD")
        assert transfer["note"] == "Lunch on Friday"
        assert transfer["sender"] == {"id": str(alice.id), "name": "Alice J.", "supportEmail": None}
        assert transfer["receiver"] == {"id": str(bob.id), "name": "Bob S.", "supportEmail": None}
        assert (transfer["referenceType"], transfer["referenceId"]) == (None, None)
        assert (balance(client, alice), balance(client, bob)) == ("87.50", "12.50")

    def test_the_histories_show_the_other_party_and_the_note(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        transfer = send(client, alice, bob, "12.50", note="Lunch").json

        out, received = history(client, alice)[0], history(client, bob)[0]

        assert (out["type"], out["amount"], out["description"]) == (
            "TRANSFER_OUT",
            "12.50",
            "To Bob S.: Lunch",
        )
        assert (received["type"], received["amount"], received["description"]) == (
            "TRANSFER_IN",
            "12.50",
            "From Alice J.: Lunch",
        )
        for row in (out, received):
            assert (row["referenceType"], row["referenceId"]) == ("transfer", transfer["id"])

    def test_a_note_is_optional(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        assert send(client, alice, bob, "1.00").json["note"] is None
        assert send(client, alice, bob, "1.00", note=None).json["note"] is None
        assert history(client, alice)[0]["description"] == "To Bob S."

    def test_the_receiver_can_be_identified_in_four_ways(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        number = number_of(client, bob)
        for identifier in (
            {"email": bob.email},
            {"email": f"  {bob.email.upper()} "},
            {"phone": PHONE},
            {"phone": "+1 (415) 555-0111"},
            {"walletNumber": number},
            {"walletNumber": f"{number[:4]} {number[4:8]} {number[8:]}"},
            {"userId": str(bob.id)},
            {"userId": str(bob.id).upper()},
        ):
            answer = send(client, alice, identifier, "1.00")
            assert (answer.status_code, answer.json["receiver"]["id"]) == (201, str(bob.id)), (
                identifier
            )
        assert balance(client, bob) == "8.00"

    def test_the_whole_balance_can_be_sent(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        assert send(client, alice, bob, "100.00").status_code == 201
        assert balance(client, alice) == "0.00"

    def test_the_transfer_is_recorded_in_the_outbox(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        transfer = send(client, alice, bob, "12.50").json

        (event,) = events_of("transfer-completed", transfer["id"])
        assert event.pop("latencyMs") >= 0
        assert [event] == [
            {
                "riskScore": "0.0000",
                "senderId": str(alice.id),
                "receiverId": str(bob.id),
                "amount": 1250,
                "currency": "USD",
                "referenceType": None,
                "referenceId": None,
            }
        ]

    def test_a_repeated_request_is_replayed(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        key = {"Idempotency-Key": "once"}
        first = send(client, alice, bob, "10.00", headers=key)
        again = send(client, alice, bob, "10.00", headers=key)
        other = send(client, alice, bob, "11.00", headers=key)

        assert (again.status_code, again.data) == (201, first.data)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert refusal(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert balance(client, alice) == "90.00"


class TestRefusals:
    def nothing_happened(self, client: FlaskClient, alice: Actor, bob: Actor) -> bool:
        return (
            balance(client, alice) == "100.00"
            and balance(client, bob) == "0.00"
            and transfers(client, alice)["meta"]["total"] == 0
        )

    @pytest.mark.parametrize(
        "name",
        [
            {"email": "nobody@example.com"},
            {"phone": "+14155550199"},
            {"walletNumber": "100000000009"},
            {"userId": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"},
        ],
    )
    def test_an_unknown_recipient_is_not_found(
        self, client: FlaskClient, alice: Actor, bob: Actor, name: dict[str, str]
    ) -> None:
        assert refusal(send(client, alice, name)) == (404, "RECIPIENT_NOT_FOUND")
        assert self.nothing_happened(client, alice, bob)

    def test_a_deactivated_recipient_is_not_found(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        deactivate(client, bob)

        deactivated = send(client, alice, bob)
        unknown = send(client, alice, {"email": "nobody@example.com"})

        assert refusal(deactivated) == (404, "RECIPIENT_NOT_FOUND")
        assert deactivated.json["message"] == unknown.json["message"]
        assert balance(client, alice) == "100.00"

    def test_a_transfer_to_oneself_is_refused(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        for identifier in (
            {"email": alice.email},
            {"walletNumber": number_of(client, alice)},
            {"userId": str(alice.id)},
        ):
            assert refusal(send(client, alice, identifier)) == (400, "CANNOT_TRANSFER_TO_SELF")
        assert self.nothing_happened(client, alice, bob)

    def test_an_amount_above_the_balance_is_refused(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        answer = send(client, alice, bob, "100.01")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert answer.json["details"] == {"required": "100.01", "available": "100.00"}
        assert self.nothing_happened(client, alice, bob)

    def test_a_transfer_from_a_locked_wallet_is_refused(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        lock(client, alice)

        assert refusal(send(client, alice, bob)) == (403, "WALLET_LOCKED")
        assert self.nothing_happened(client, alice, bob)

    @pytest.mark.parametrize("window", ["TRANSACTION", "DAY", "MONTH"])
    @pytest.mark.parametrize("kind", ["TRANSFER_OUT", "OUTGOING"])
    def test_an_amount_above_the_sender_s_limit_is_refused(
        self, client: FlaskClient, alice: Actor, bob: Actor, kind: str, window: str
    ) -> None:
        set_limit(client, alice, kind, window, "5.00")

        answer = send(client, alice, bob, "5.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["details"]["limit"] == "5.00"
        assert send(client, alice, bob, "5.00").status_code == 201

    def test_the_reason_why_a_recipient_cannot_receive_is_not_revealed(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        """A locked wallet and exceeded limits have the same error, without amounts."""

        def limit_in(kind: str) -> Callable[[Actor], Any]:
            return lambda user: set_limit(client, user, kind, "DAY", "7.77")

        answers = []
        for block in (
            lambda user: lock(client, user),
            limit_in("TRANSFER_IN"),
            limit_in("INCOMING"),
        ):
            receiver = factories.actor()
            block(receiver)
            answers.append(send(client, alice, receiver, "10.00"))
            assert balance(client, receiver) == "0.00"

        assert {refusal(answer) for answer in answers} == {(409, "RECIPIENT_CANNOT_RECEIVE")}
        assert len({answer.json["message"] for answer in answers}) == 1
        assert all(answer.json["details"] == {} for answer in answers)
        assert not any("7.77" in answer.text for answer in answers)
        assert balance(client, alice) == "100.00"

    def test_insufficient_funds_are_reported_before_the_receiver_s_lock(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        lock(client, bob)

        assert refusal(send(client, alice, bob, "500.00")) == (400, "INSUFFICIENT_FUNDS")

    def test_received_transfers_count_towards_the_limit(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        set_limit(client, bob, "TRANSFER_IN", "DAY", "15.00")

        assert send(client, alice, bob, "10.00").status_code == 201
        assert refusal(send(client, alice, bob, "5.01")) == (409, "RECIPIENT_CANNOT_RECEIVE")
        assert send(client, alice, bob, "5.00").status_code == 201

    def test_a_refusal_is_replayed_for_its_key(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        key = {"Idempotency-Key": "too-much"}
        send(client, alice, bob, "100.01", headers=key)
        client.post(f"{API}/wallet/deposit", json={"amount": "50.00"}, headers=alice.headers)

        again = send(client, alice, bob, "100.01", headers=key)

        assert again.json["error"] == "INSUFFICIENT_FUNDS"
        assert again.headers["Idempotent-Replayed"] == "true"


class TestValidation:
    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ({}, "Send exactly one of email, phone, walletNumber and userId."),
            (
                {"email": "a@b.test", "phone": PHONE},
                "Send exactly one of email, phone, walletNumber and userId.",
            ),
            ({"email": "not-an-email"}, "Not a valid email address."),
            ({"phone": "4155550111"}, "Not a phone number with + and its country code."),
            ({"walletNumber": "1234 5678"}, "Not a wallet number: it has 12 digits."),
            (
                {"walletNumber": "100000000007"},
                "Not a wallet number: a digit is wrong or two are swapped.",
            ),
            ({"userId": "me"}, "Not a valid UUID."),
            ({"email": None}, "Field may not be null."),
            ({"name": "Bob"}, "Unknown field."),
        ],
    )
    def test_an_invalid_recipient_is_refused(
        self, client: FlaskClient, name: dict[str, Any], problem: str
    ) -> None:
        answer = send(client, factories.buyer(), name)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert problem in answer.json["details"]["recipient"]

    def test_a_mistyped_wallet_number_is_refused(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        """The check digit detects every wrong digit and nearly every transposition (ISO 7064)."""
        number = number_of(client, bob)
        mistyped = [
            number[:place] + str((int(digit) + 1) % 10) + number[place + 1 :]
            for place, digit in enumerate(number)
        ]
        answers = [send(client, alice, {"walletNumber": number}) for number in mistyped]
        assert {refusal(answer) for answer in answers} == {(400, "VALIDATION_ERROR")}

    @pytest.mark.parametrize("amount", ["0", 0, "-1.00", "1.005", "NaN", "1e400", True, None, "x"])
    def test_an_invalid_amount_is_refused(self, client: FlaskClient, amount: Any) -> None:
        sender, receiver = factories.buyer(), factories.actor()

        answer = send(client, sender, receiver, amount)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["amount"]

    @pytest.mark.parametrize(
        "body",
        [
            {"amount": "1.00"},
            {"recipient": {"email": "a@b.test"}},
            {"recipient": "a@b.test", "amount": "1.00"},
            {"recipient": {"email": "a@b.test"}, "amount": "1.00", "note": ""},
            {"recipient": {"email": "a@b.test"}, "amount": "1.00", "note": "x" * 201},
            {"recipient": {"email": "a@b.test"}, "amount": "1.00", "currency": "USD"},
        ],
    )
    def test_invalid_fields_are_refused(self, client: FlaskClient, body: dict[str, Any]) -> None:
        answer = client.post(TRANSFERS, json=body, headers=factories.buyer().headers)

        assert error_body(answer)["error"] == "VALIDATION_ERROR"
