"""Payment requests, over HTTP."""

import re
from typing import Any
from unittest.mock import ANY

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.lists import pages_of
from tests.payment_requests.helpers import (
    REQUESTS,
    close_request,
    create_request,
    created_request,
    requests,
    status,
)
from tests.responses import TIME, created, refusal
from tests.transfers.helpers import API, balance, deactivate, events_of, history, with_name
from tests.wallets.helpers import lock, set_limit


@pytest.fixture
def alice(client: FlaskClient) -> Actor:
    """The requester."""
    return with_name(client, factories.actor(), "Alice", "Jones")


@pytest.fixture
def bob(client: FlaskClient) -> Actor:
    """The payer."""
    return with_name(client, factories.buyer("100.00"), "Bob", "Stone")


class TestCreating:
    def test_the_response_has_the_request_and_its_link(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="12.50", note="Lunch")

        assert list(request) == [
            "id",
            "status",
            "amount",
            "currency",
            "note",
            "requester",
            "payer",
            "token",
            "link",
            "transferId",
            "expiresAt",
            "createdAt",
            "closedAt",
        ]
        assert request["status"] == "OPEN"
        assert (request["amount"], request["currency"], request["note"]) == (
            "12.50",
            "USD",
            "Lunch",
        )
        assert request["requester"] == {
            "id": str(alice.id),
            "name": "Alice J.",
            "supportEmail": None,
        }
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", request["token"])
        assert request["link"] == f"http://localhost:3000/pay/{request['token']}"
        assert re.fullmatch(TIME, request["expiresAt"])
        assert (request["transferId"], request["closedAt"]) == (None, None)

    def test_the_payer_is_masked_for_the_requester(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        answer = create_request(client, alice, to=bob, amount="1.00")

        assert answer.json["payer"] == {"name": "B••• S.", "email": "u•••@e•••.com"}
        assert bob.email not in answer.text
        assert str(bob.id) not in answer.text

    def test_payer_amount_and_note_are_optional(self, client: FlaskClient, alice: Actor) -> None:
        for body in ({}, {"note": None}):
            request = create_request(client, alice, **body).json
            assert (request["payer"], request["amount"], request["note"]) == (None, None, None)

    def test_the_link_starts_with_the_public_url(
        self, client: FlaskClient, alice: Actor, change_settings: Any
    ) -> None:
        change_settings(public_url="https://pay.example.com")

        request = created_request(client, alice)

        assert request["link"] == f"https://pay.example.com/pay/{request['token']}"

    def test_tokens_are_unique(self, client: FlaskClient, alice: Actor) -> None:
        assert len({created_request(client, alice)["token"] for _ in range(20)}) == 20

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"amount": "0"}, "amount"),
            ({"amount": "1.005"}, "amount"),
            ({"expiresIn": 59}, "expiresIn"),
            ({"expiresIn": 90 * 24 * 3600 + 1}, "expiresIn"),
            ({"expiresIn": "60"}, "expiresIn"),
            ({"note": "x" * 201}, "note"),
            ({"payer": {}}, "payer"),
            ({"payer": {"walletNumber": "12"}}, "payer"),
            ({"currency": "USD"}, "currency"),
        ],
    )
    def test_invalid_fields_are_refused(
        self, client: FlaskClient, alice: Actor, fields: dict[str, Any], field: str
    ) -> None:
        answer = create_request(client, alice, **fields)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_an_unknown_payer_or_oneself_is_refused(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        unknown = create_request(client, alice, payer={"email": "nobody@example.com"})
        deactivate(client, bob)

        assert refusal(unknown) == (404, "RECIPIENT_NOT_FOUND")
        assert refusal(create_request(client, alice, to=bob)) == (404, "RECIPIENT_NOT_FOUND")
        assert refusal(create_request(client, alice, to=alice)) == (400, "CANNOT_TRANSFER_TO_SELF")


class TestPaying:
    def test_paying_is_a_transfer_that_refers_to_the_request(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="12.50", note="Lunch")

        answer = close_request(client, bob, request, "pay")

        paid = created(answer)
        assert (paid["direction"], paid["amount"], paid["note"]) == ("OUT", "12.50", "Lunch")
        assert (paid["referenceType"], paid["referenceId"]) == ("payment_request", request["id"])
        assert (balance(client, alice), balance(client, bob)) == ("12.50", "87.50")
        assert history(client, bob)[0]["description"] == "To Alice J.: Lunch"
        shown = client.get(f"{REQUESTS}/{request['id']}", headers=alice.headers).json
        assert (shown["status"], shown["transferId"]) == ("PAID", paid["id"])
        assert shown["closedAt"] is not None

    def test_a_request_is_paid_once(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        request = created_request(client, alice, amount="10.00")
        carol = factories.buyer("100.00")
        assert close_request(client, bob, request, "pay").status_code == 201

        for late in (bob, carol):
            answer = close_request(client, late, request, "pay")
            assert refusal(answer) == (409, "PAYMENT_REQUEST_CLOSED")
            assert answer.json["details"] == {"status": "PAID"}
        assert balance(client, alice) == "10.00"
        assert balance(client, carol) == "100.00"

    def test_only_the_payer_can_pay(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")

        answer = close_request(client, factories.buyer(), request, "pay")

        assert refusal(answer) == (404, "PAYMENT_REQUEST_NOT_FOUND")
        assert status(client, alice, request) == "OPEN"

    def test_paying_oneself_is_refused(self, client: FlaskClient, alice: Actor) -> None:
        request = created_request(client, alice, amount="10.00")

        assert refusal(close_request(client, alice, request, "pay")) == (
            400,
            "CANNOT_PAY_OWN_REQUEST",
        )

    def test_an_open_amount_is_chosen_by_the_payer(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice)
        missing = close_request(client, bob, request, "pay")
        too_exact = close_request(client, bob, request, "pay", json={"amount": "1.005"})
        paid = close_request(client, bob, request, "pay", json={"amount": "7.50"})

        assert refusal(missing) == (400, "VALIDATION_ERROR")
        assert missing.json["details"] == {"amount": ["Required, because no amount is fixed."]}
        assert refusal(too_exact) == (400, "VALIDATION_ERROR")
        assert (paid.status_code, paid.json["amount"]) == (201, "7.50")
        shown = client.get(f"{REQUESTS}/{request['id']}", headers=alice.headers).json
        assert shown["amount"] == "7.50"

    def test_an_amount_for_a_fixed_request_is_refused(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, amount="10.00")

        for amount in ("0.01", "10.00"):
            answer = close_request(client, bob, request, "pay", json={"amount": amount})
            assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert status(client, alice, request) == "OPEN"

    def test_a_refused_payment_leaves_the_request_open(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="100.01")
        assert refusal(close_request(client, bob, request, "pay")) == (400, "INSUFFICIENT_FUNDS")
        client.post(f"{API}/wallet/deposit", json={"amount": "1.00"}, headers=bob.headers)
        set_limit(client, bob, "TRANSFER_OUT", "DAY", "50.00")
        assert refusal(close_request(client, bob, request, "pay")) == (400, "LIMIT_EXCEEDED")
        set_limit(client, bob, "TRANSFER_OUT", "DAY", "500.00")
        lock(client, alice)
        assert refusal(close_request(client, bob, request, "pay")) == (
            409,
            "RECIPIENT_CANNOT_RECEIVE",
        )

        assert status(client, alice, request) == "OPEN"
        assert balance(client, bob) == "101.00"

    def test_a_deactivated_requester_cannot_be_paid(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")
        deactivate(client, alice)

        assert refusal(close_request(client, bob, request, "pay")) == (404, "RECIPIENT_NOT_FOUND")
        assert balance(client, bob) == "100.00"

    def test_a_repeated_payment_is_replayed(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")
        key = {"Idempotency-Key": "once"}
        first = close_request(client, bob, request, "pay", headers=key)
        again = close_request(client, bob, request, "pay", headers=key)

        assert (again.status_code, again.data) == (201, first.data)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert balance(client, bob) == "90.00"


class TestDecliningAndCancelling:
    def test_the_payer_can_decline(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")

        answer = close_request(client, bob, request, "decline")

        assert (answer.status_code, answer.json["status"]) == (200, "DECLINED")
        assert status(client, alice, request) == "DECLINED"
        paid = close_request(client, bob, request, "pay")
        assert refusal(paid) == (409, "PAYMENT_REQUEST_CLOSED")
        assert paid.json["message"] == "The payment request is no longer open: DECLINED"

    def test_the_requester_can_cancel(self, client: FlaskClient, alice: Actor, bob: Actor) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")

        answer = close_request(client, alice, request, "cancel")

        assert (answer.status_code, answer.json["status"]) == (200, "CANCELLED")
        assert refusal(close_request(client, bob, request, "pay")) == (
            409,
            "PAYMENT_REQUEST_CLOSED",
        )

    @pytest.mark.parametrize("end", ["pay", "decline", "cancel"])
    def test_a_closed_request_stays_closed(
        self, client: FlaskClient, alice: Actor, bob: Actor, end: str
    ) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")
        assert (
            close_request(client, alice if end == "cancel" else bob, request, end).status_code < 300
        )

        for caller, what in ((bob, "pay"), (bob, "decline"), (alice, "cancel")):
            answer = close_request(client, caller, request, what)
            assert refusal(answer) == (409, "PAYMENT_REQUEST_CLOSED")

    def test_only_the_payer_can_decline_and_only_the_requester_can_cancel(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")

        assert refusal(close_request(client, alice, request, "decline")) == (403, "FORBIDDEN")
        assert refusal(close_request(client, bob, request, "cancel")) == (403, "FORBIDDEN")
        for what in ("decline", "cancel"):
            other = close_request(client, factories.actor(), request, what)
            assert refusal(other) == (404, "PAYMENT_REQUEST_NOT_FOUND")
        assert status(client, alice, request) == "OPEN"

    def test_a_request_without_a_payer_cannot_be_declined(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, amount="10.00")

        assert refusal(close_request(client, bob, request, "decline"))[0] == 404

    def test_each_status_change_is_recorded_in_the_outbox(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="10.00")
        paid = close_request(client, bob, request, "pay").json
        declined = created_request(client, alice, to=bob)
        close_request(client, bob, declined, "decline")
        cancelled = created_request(client, alice)
        close_request(client, alice, cancelled, "cancel")

        terms = {"requesterId": str(alice.id), "payerId": str(bob.id), "currency": "USD"}
        assert events_of("payment-request-created", request["id"]) == [
            terms | {"amount": 1000, "transferId": None}
        ]
        assert events_of("payment-request-paid", request["id"]) == [
            terms | {"amount": 1000, "transferId": paid["id"]}
        ]
        assert len(events_of("payment-request-declined", declined["id"])) == 1
        assert len(events_of("payment-request-cancelled", cancelled["id"])) == 1


class TestReading:
    def test_requester_and_payer_can_read_the_request(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, amount="10.00")
        path = f"{REQUESTS}/{request['id']}"
        assert client.get(path, headers=bob.headers).status_code == 404

        close_request(client, bob, request, "pay")

        assert client.get(path, headers=bob.headers).json["status"] == "PAID"
        for other in (factories.actor(), factories.admin()):
            answer = client.get(path, headers=other.headers)
            assert refusal(answer) == (404, "PAYMENT_REQUEST_NOT_FOUND")

    def test_the_list_has_sent_and_received_requests(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        sent = created_request(client, alice, to=bob)["id"]
        open_to_all = created_request(client, alice)["id"]
        received = created_request(client, bob, to=alice)["id"]
        created_request(client, bob)

        assert requests(client, alice) == [received, open_to_all, sent]
        assert requests(client, alice, role="requester") == [open_to_all, sent]
        assert requests(client, alice, role="payer") == [received]
        assert requests(client, bob, role="payer") == [sent]
        wrong = client.get(REQUESTS, query_string={"role": "x"}, headers=alice.headers)
        assert refusal(wrong) == (400, "VALIDATION_ERROR")

    def test_pages_contain_each_request_once(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        requested = [
            created_request(client, one, to=other)["id"]
            for one, other in [(alice, bob), (bob, alice)] * 3
        ]
        pages = list(pages_of(client, alice, REQUESTS, limit=4))
        assert [page["meta"]["total"] for page in pages] == [6, 6]
        assert [row["id"] for page in pages for row in page["data"]] == requested[::-1]

    def test_the_link_shows_the_request_and_only_the_requester_s_short_name(
        self, client: FlaskClient, alice: Actor, bob: Actor
    ) -> None:
        request = created_request(client, alice, to=bob, amount="12.50", note="Lunch")

        answer = client.get(f"{REQUESTS}/by-token/{request['token']}")

        assert answer.json == {
            "id": request["id"],
            "status": "OPEN",
            "amount": "12.50",
            "currency": "USD",
            "note": "Lunch",
            "requester": {
                "name": "Alice J.",
                "supportEmail": None,
                "verified": True,
                "verifiedSince": ANY,
            },
            "isAddressed": True,
            "expiresAt": request["expiresAt"],
        }
        for secret in (alice.email, str(alice.id), "Jones", bob.email, str(bob.id), "Bob"):
            assert secret not in answer.text

    @pytest.mark.parametrize("token", ["x", "A" * 22, "A" * 21 + "%00", "%F0%9F%92%B8" * 22])
    def test_an_unknown_token_is_not_found(self, client: FlaskClient, token: str) -> None:
        answer = client.get(f"{REQUESTS}/by-token/{token}")

        assert answer.status_code == 404
        assert answer.json["error"] == "PAYMENT_REQUEST_NOT_FOUND"
