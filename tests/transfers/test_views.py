"""Sending money, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.answers import error_body, refusal
from tests.factories import Actor
from tests.transfers.helpers import (
    API,
    TRANSFERS,
    balance,
    deactivate,
    events_of,
    history,
    named,
    number_of,
    send,
    transfers,
)
from tests.wallets.helpers import lock, set_limit

PHONE = "+14155550111"


@pytest.fixture
def alice(client: FlaskClient) -> Actor:
    return named(client, factories.buyer("100.00"), "Alice", "Jones")


@pytest.fixture
def bob(client: FlaskClient) -> Actor:
    return named(client, factories.actor(phone=PHONE), "Bob", "Stone")


class TestSending:
    def test_it_arrives_at_once_and_the_answer_says_what_happened(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        answer = send(client, alice, bob, "12.50", note=" Lunch on Friday ")

        assert answer.status_code == 201
        transfer = answer.json
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
        ]
        assert transfer["direction"] == "OUT"
        assert (transfer["amount"], transfer["currency"]) == ("12.50", "USD")
        assert transfer["note"] == "Lunch on Friday"
        assert transfer["sender"] == {"id": str(alice.id), "name": "Alice J."}
        assert transfer["receiver"] == {"id": str(bob.id), "name": "Bob S."}
        assert (transfer["referenceType"], transfer["referenceId"]) == (None, None)
        assert (balance(client, alice), balance(client, bob)) == ("87.50", "12.50")

    def test_both_histories_show_it_with_the_other_s_name_and_the_note(
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

    def test_the_receiver_can_be_named_in_four_ways(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        number = number_of(client, bob)
        for name in (
            {"email": bob.email},
            {"email": f"  {bob.email.upper()} "},
            {"phone": PHONE},
            {"phone": "+1 (415) 555-0111"},
            {"walletNumber": number},
            {"walletNumber": f"{number[:4]} {number[4:8]} {number[8:]}"},
            {"userId": str(bob.id)},
            {"userId": str(bob.id).upper()},
        ):
            answer = send(client, alice, name, "1.00")
            assert (answer.status_code, answer.json["receiver"]["id"]) == (201, str(bob.id)), name
        assert balance(client, bob) == "8.00"

    def test_everything_can_be_sent(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        assert send(client, alice, bob, "100.00").status_code == 201
        assert balance(client, alice) == "0.00"

    def test_it_is_told_to_the_outbox(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        transfer = send(client, alice, bob, "12.50").json

        assert events_of("transfer-completed", transfer["id"]) == [
            {
                "senderId": str(alice.id),
                "receiverId": str(bob.id),
                "amount": 1250,
                "currency": "USD",
                "referenceType": None,
                "referenceId": None,
            }
        ]

    def test_a_repeated_request_is_answered_again_and_moves_nothing(
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
    def nothing_moved(self, client: FlaskClient, alice: Actor, bob: Actor) -> bool:
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
    def test_nobody_of_that_name(
        self, client: FlaskClient, alice: Actor, bob: Actor, name: dict[str, str]
    ) -> None:
        assert refusal(send(client, alice, name)) == (404, "RECIPIENT_NOT_FOUND")
        assert self.nothing_moved(client, alice, bob)

    def test_somebody_deactivated_is_nobody(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        deactivate(client, bob)

        gone = send(client, alice, bob)
        never = send(client, alice, {"email": "nobody@example.com"})

        assert refusal(gone) == (404, "RECIPIENT_NOT_FOUND")
        assert gone.json["message"] == never.json["message"]
        assert balance(client, alice) == "100.00"

    def test_oneself_under_every_name(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        for name in (
            {"email": alice.email},
            {"walletNumber": number_of(client, alice)},
            {"userId": str(alice.id)},
        ):
            assert refusal(send(client, alice, name)) == (400, "CANNOT_TRANSFER_TO_SELF")
        assert self.nothing_moved(client, alice, bob)

    def test_more_than_there_is(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        answer = send(client, alice, bob, "100.01")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert answer.json["details"] == {"required": "100.01", "available": "100.00"}
        assert self.nothing_moved(client, alice, bob)

    def test_from_a_locked_wallet(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        lock(client, alice)

        assert refusal(send(client, alice, bob)) == (403, "WALLET_LOCKED")
        assert self.nothing_moved(client, alice, bob)

    @pytest.mark.parametrize("window", ["TRANSACTION", "DAY", "MONTH"])
    @pytest.mark.parametrize("kind", ["TRANSFER_OUT", "OUTGOING"])
    def test_over_the_sender_s_limit(
        self, client: FlaskClient, alice: Actor, bob: Actor, kind: str, window: str
    ) -> None:
        set_limit(client, alice, kind, window, "5.00")

        answer = send(client, alice, bob, "5.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["details"]["limit"] == "5.00"
        assert send(client, alice, bob, "5.00").status_code == 201

    def test_a_receiver_who_cannot_receive_is_not_explained(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        """A lock, a limit and a wallet that is full look alike, and no number is told."""

        def limit_in(kind: str) -> Callable[[Actor], Any]:
            return lambda user: set_limit(client, user, kind, "DAY", "7.77")

        answers = []
        for hinder in (
            lambda user: lock(client, user),
            limit_in("TRANSFER_IN"),
            limit_in("INCOMING"),
        ):
            receiver = factories.actor()
            hinder(receiver)
            answers.append(send(client, alice, receiver, "10.00"))
            assert balance(client, receiver) == "0.00"

        assert {refusal(answer) for answer in answers} == {(409, "RECIPIENT_CANNOT_RECEIVE")}
        assert len({answer.json["message"] for answer in answers}) == 1
        assert all(answer.json["details"] == {} for answer in answers)
        assert not any("7.77" in answer.text for answer in answers)
        assert balance(client, alice) == "100.00"

    def test_who_cannot_pay_learns_nothing_of_the_receiver_s_wallet(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        lock(client, bob)

        assert refusal(send(client, alice, bob, "500.00")) == (400, "INSUFFICIENT_FUNDS")

    def test_what_is_received_within_the_limit_counts(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        set_limit(client, bob, "TRANSFER_IN", "DAY", "15.00")

        assert send(client, alice, bob, "10.00").status_code == 201
        assert refusal(send(client, alice, bob, "5.01")) == (409, "RECIPIENT_CANNOT_RECEIVE")
        assert send(client, alice, bob, "5.00").status_code == 201

    def test_a_refusal_is_remembered_under_its_key(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        key = {"Idempotency-Key": "too-much"}
        send(client, alice, bob, "100.01", headers=key)
        client.post(f"{API}/wallet/deposit", json={"amount": "50.00"}, headers=alice.headers)

        again = send(client, alice, bob, "100.01", headers=key)

        assert again.json["error"] == "INSUFFICIENT_FUNDS"
        assert again.headers["Idempotent-Replayed"] == "true"


class TestShape:
    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ({}, "Give exactly one of email, phone, walletNumber and userId."),
            (
                {"email": "a@b.test", "phone": PHONE},
                "Give exactly one of email, phone, walletNumber and userId.",
            ),
            ({"email": "not-an-email"}, "Not a valid email address."),
            ({"phone": "4155550111"}, "Not a phone number with + and its country code."),
            ({"walletNumber": "1234 5678"}, "Not a wallet number: it has 12 digits."),
            ({"walletNumber": "1000\u200900000006"}, "Not a wallet number: it has 12 digits."),
            ({"walletNumber": "1\uff10\uff1000000006"}, "Not a wallet number: it has 12 digits."),
            (
                {"walletNumber": "100000000007"},
                "Not a wallet number: a digit is wrong or two are swapped.",
            ),
            ({"userId": "me"}, "Not a valid UUID."),
            ({"email": None}, "Field may not be null."),
            ({"name": "Bob"}, "Unknown field."),
        ],
    )
    def test_a_receiver_is_named_properly_or_not_looked_for(
        self, client: FlaskClient, name: dict[str, Any], problem: str
    ) -> None:
        answer = send(client, factories.buyer(), name)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert problem in answer.json["details"]["recipient"]

    def test_a_slip_of_the_finger_in_a_wallet_number_is_found_before_anybody_is(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        """Any one digit wrong, and nearly any two neighbours swapped (ISO 7064)."""
        number = number_of(client, bob)
        slips = [
            number[:place] + str((int(digit) + 1) % 10) + number[place + 1 :]
            for place, digit in enumerate(number)
        ]
        answers = [send(client, alice, {"walletNumber": slip}) for slip in slips]
        assert {refusal(answer) for answer in answers} == {(400, "VALIDATION_ERROR")}

    @pytest.mark.parametrize("amount", ["0", 0, "-1.00", "1.005", "NaN", "1e400", True, None, "x"])
    def test_an_amount_is_positive_and_exact(self, client: FlaskClient, amount: Any) -> None:
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
    def test_what_is_missing_too_long_or_unknown_is_refused(
        self, client: FlaskClient, body: dict[str, Any]
    ) -> None:
        answer = client.post(TRANSFERS, json=body, headers=factories.buyer().headers)

        assert error_body(answer)["error"] == "VALIDATION_ERROR"
