"""The API, called by Stripe's own library and by plain HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
import urllib3

from tests.simulators import call
from tests.stripe import (
    GOOD_CARD,
    SECRET_KEY,
    Buyer,
    SandboxGateway,
    Shop,
    session_fields,
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxGateway]:
    """A gateway for all tests of the module, without a webhook endpoint."""
    with SandboxGateway.open(
        "http://127.0.0.1:9/",
        tmp_path_factory.mktemp("gateway"),
        min_checkout_seconds="0",
        answer_seconds="0.6",
    ) as opened:
        yield opened


def create_session(gateway: SandboxGateway, **changes: Any) -> dict[str, Any]:
    """Create a session."""
    answer = gateway.request("POST", "/v1/checkout/sessions", session_fields(**changes))
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def paid(gateway: SandboxGateway, buyer: Buyer, card: str = GOOD_CARD, **changes: Any) -> str:
    """Create and pay a session. Returns the PaymentIntent."""
    session = create_session(gateway, **changes)
    assert buyer.pay(session["url"], card).status == 303
    found = gateway.request("GET", f"/v1/checkout/sessions/{session['id']}").json
    return str(found["payment_intent"])


class TestSessions:
    def test_stripe_s_library_creates_retrieves_and_expires_a_session(
        self, gateway: SandboxGateway, library: stripe.StripeClient
    ) -> None:
        expires_at = int(time.time()) + 1860
        session = library.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "payment_method_types": ["card"],
                "line_items": [
                    {
                        "quantity": 3,
                        "price_data": {
                            "currency": "eur",
                            "unit_amount": 1999,
                            "product_data": {"name": "Field Guide"},
                        },
                    }
                ],
                "client_reference_id": "order-7",
                "customer_email": "ada@example.com",
                "metadata": {"order_id": "order-7"},
                "success_url": "https://shop.example.com/thanks",
                "expires_at": expires_at,
            },
            {"idempotency_key": "order-7"},
        )

        assert session.id.startswith("cs_test_")
        assert session.url == f"{gateway.url}/c/pay/{session.id}"
        assert (session.status, session.payment_status) == ("open", "unpaid")
        assert (session.amount_total, session.currency) == (5997, "eur")
        assert session.client_reference_id == "order-7"
        assert session.customer_email == "ada@example.com"
        assert session.expires_at == expires_at
        assert session.payment_intent is None
        assert library.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()

        expired = library.v1.checkout.sessions.expire(session.id)
        assert (expired.status, expired.url) == ("expired", None)
        with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
            library.v1.checkout.sessions.expire(session.id)

    @pytest.mark.parametrize(
        ("changes", "param", "message"),
        [
            ({"mode": "subscription"}, "mode", "Must be one of"),
            ({"mode": None}, "mode", "Missing data"),
            ({"line_items[0][quantity]": "0"}, "line_items[0][quantity]", "Must be greater"),
            ({"line_items[0][quantity]": "two"}, "line_items[0][quantity]", "Not a valid"),
            (
                {"line_items[0][price_data][currency]": "USD"},
                "line_items[0][price_data][currency]",
                "Must be one of",
            ),
            (
                {"line_items[0][price_data][unit_amount]": "1.5"},
                "line_items[0][price_data][unit_amount]",
                "Not a valid integer",
            ),
            ({"line_items[1][quantity]": "1"}, "line_items[1]", "unknown parameter"),
            ({"line_items": "x"}, "line_items[0][quantity]", "Invalid object"),
            ({"success_url": "javascript:alert(1)"}, "success_url", "Not a valid URL"),
            ({"customer_email": "nobody"}, "customer_email", "Not a valid email"),
            ({"metadata[order_id]": "x" * 501}, "metadata[order_id]", "At most 40"),
            ({"metadata[a][b]": "x"}, "metadata[a]", "At most 40"),
            ({"metadata": "x"}, "metadata[order_id]", "Invalid object"),
            ({"coupon": "x"}, "coupon", "unknown parameter"),
            ({"a[b": "x"}, "a[b", "Invalid parameter name"),
            ({"line_items[0][price_data][unit_amount]": "10"}, None, "at least 50 usd"),
            ({"line_items[0][price_data][unit_amount]": "99999999"}, None, "too large"),
        ],
    )
    def test_an_invalid_parameter_is_named(
        self, gateway: SandboxGateway, changes: dict[str, Any], param: str | None, message: str
    ) -> None:
        whole = {"line_items", "metadata"} & set(changes)
        fields = changes | session_fields() if whole else session_fields(**changes)
        answer = gateway.request("POST", "/v1/checkout/sessions", fields)

        assert answer.status == 400
        error = answer.json["error"]
        assert error["type"] == "invalid_request_error"
        assert error.get("param") == param
        assert message in error["message"]

    @pytest.mark.parametrize("seconds", [1700, 90_000, -5])
    def test_the_expiry_is_half_an_hour_to_a_day_ahead(
        self, shop: Shop, tmp_path: Path, seconds: int
    ) -> None:
        with SandboxGateway.open(shop.url, tmp_path) as gateway:
            fields = session_fields(expires_at=int(time.time()) + seconds)
            answer = gateway.request("POST", "/v1/checkout/sessions", fields)
            assert (answer.status, answer.json["error"]["param"]) == (400, "expires_at")
            assert create_session(gateway, expires_at=int(time.time()) + 1800)["status"] == "open"
            assert create_session(gateway, expires_at=None)["expires_at"] > time.time() + 80_000

    def test_amounts_with_three_decimals_must_end_with_zero(self, gateway: SandboxGateway) -> None:
        kwd = {"line_items[0][price_data][currency]": "kwd", "line_items[0][quantity]": "1"}
        amount = "line_items[0][price_data][unit_amount]"
        assert create_session(gateway, **kwd, **{amount: "1250"})["amount_total"] == 1250
        refused = gateway.request(
            "POST", "/v1/checkout/sessions", session_fields(**kwd, **{amount: "1255"})
        )
        assert "last digit" in refused.json["error"]["message"]

    @pytest.mark.parametrize("path", ["/v1/checkout/sessions/cs_x", "/v1/refunds/re_x"])
    def test_an_unknown_id_is_a_missing_resource(self, gateway: SandboxGateway, path: str) -> None:
        answer = gateway.request("GET", path)
        assert (answer.status, answer.json["error"]["code"]) == (404, "resource_missing")

    def test_an_unsupported_path_is_unrecognized(self, gateway: SandboxGateway) -> None:
        answer = gateway.request("GET", "/v1/customers")
        assert answer.status == 404
        assert "Unrecognized request URL" in answer.json["error"]["message"]


class TestKeys:
    @pytest.mark.parametrize("given", ["", "Bearer", "Bearer sk_test_wrong", f"Basic {SECRET_KEY}"])
    @pytest.mark.parametrize("path", ["/v1/checkout/sessions/cs_x", "/v1/refunds", "/v1/nothing"])
    def test_a_valid_key_is_required(self, gateway: SandboxGateway, given: str, path: str) -> None:
        answer = call("GET", gateway.url + path, headers={"Authorization": given})
        assert answer.status == 401
        assert answer.json["error"]["type"] == "invalid_request_error"
        assert SECRET_KEY not in answer.text

    def test_stripe_s_library_recognizes_an_invalid_key(self, gateway: SandboxGateway) -> None:
        other = stripe.StripeClient("sk_test_wrong", base_addresses={"api": gateway.url})
        with pytest.raises(stripe.AuthenticationError):
            other.v1.checkout.sessions.retrieve("cs_x")


class TestIdempotency:
    def test_a_repeated_request_gets_the_stored_response(self, gateway: SandboxGateway) -> None:
        fields = session_fields()
        first = gateway.request("POST", "/v1/checkout/sessions", fields, Idempotency_Key="same-1")
        again = gateway.request("POST", "/v1/checkout/sessions", fields, Idempotency_Key="same-1")
        other = gateway.request("POST", "/v1/checkout/sessions", fields, Idempotency_Key="same-2")

        assert again.text == first.text
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert other.json["id"] != first.json["id"]

    def test_other_parameters_are_refused(
        self, gateway: SandboxGateway, library: stripe.StripeClient
    ) -> None:
        gateway.request("POST", "/v1/checkout/sessions", session_fields(), Idempotency_Key="used-1")
        with pytest.raises(stripe.IdempotencyError):
            library.v1.refunds.create({"payment_intent": "pi_x"}, {"idempotency_key": "used-1"})

    def test_a_key_may_be_reused_after_a_validation_error(self, gateway: SandboxGateway) -> None:
        bad = gateway.request(
            "POST", "/v1/checkout/sessions", session_fields(mode="x"), Idempotency_Key="corrected-1"
        )
        good = gateway.request(
            "POST", "/v1/checkout/sessions", session_fields(), Idempotency_Key="corrected-1"
        )
        assert (bad.status, good.status) == (400, 200)


class TestRefunds:
    def test_partial_refunds_cannot_exceed_the_amount_paid(
        self, gateway: SandboxGateway, library: stripe.StripeClient, buyer: Buyer
    ) -> None:
        intent = paid(gateway, buyer)
        first = library.v1.refunds.create(
            {
                "payment_intent": intent,
                "amount": 1500,
                "reason": "requested_by_customer",
                "metadata": {"refund_id": "r-1"},
            }
        )
        assert (first.status, first.amount, first.currency) == ("succeeded", 1500, "usd")
        assert first.payment_intent == intent
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            library.v1.refunds.create({"payment_intent": intent, "amount": 3501})
        rest = library.v1.refunds.create({"payment_intent": intent})
        assert rest.amount == 3500
        with pytest.raises(stripe.InvalidRequestError) as refused:
            library.v1.refunds.create({"payment_intent": intent, "amount": 1})
        assert refused.value.code == "charge_already_refunded"

        assert library.v1.refunds.retrieve(first.id).to_dict() == first.to_dict()
        made = library.v1.refunds.list({"payment_intent": intent, "limit": 1})
        assert [one.id for one in made.auto_paging_iter()] == [rest.id, first.id]

    def test_an_unknown_payment_cannot_be_refunded(
        self, gateway: SandboxGateway, library: stripe.StripeClient
    ) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            library.v1.refunds.create({"payment_intent": "pi_x"})
        assert refused.value.code == "resource_missing"

    @pytest.mark.parametrize(
        "fields", [{"amount": "0"}, {"amount": "-5"}, {"amount": "ten"}, {"reason": "because"}]
    )
    def test_an_invalid_parameter_is_refused(
        self, gateway: SandboxGateway, buyer: Buyer, fields: dict[str, str]
    ) -> None:
        intent = paid(gateway, buyer)
        answer = gateway.request("POST", "/v1/refunds", {"payment_intent": intent, **fields})
        assert (answer.status, answer.json["error"]["param"]) == (400, next(iter(fields)))


class TestFaults:
    def test_a_simulated_server_error_executes_nothing(self, gateway: SandboxGateway) -> None:
        assert gateway.set_behaviour(fault="stumble", times=1).json["fault"] == "stumble"
        fields = session_fields()
        failed = gateway.request(
            "POST", "/v1/checkout/sessions", fields, Idempotency_Key="stumble-1"
        )
        after = gateway.request(
            "POST", "/v1/checkout/sessions", fields, Idempotency_Key="stumble-1"
        )

        assert (failed.status, failed.json["error"]["type"]) == (500, "api_error")
        assert after.status == 200
        assert "Idempotent-Replayed" not in after.headers

    def test_a_time_out_delays_the_response_to_an_executed_request(
        self, gateway: SandboxGateway
    ) -> None:
        gateway.set_behaviour(fault="time-out", times=1)
        started = time.monotonic()
        fields = session_fields()
        first = gateway.request("POST", "/v1/checkout/sessions", fields, Idempotency_Key="late-1")
        assert time.monotonic() - started >= 0.6
        again = gateway.request("POST", "/v1/checkout/sessions", fields, Idempotency_Key="late-1")
        assert again.text == first.text

    def test_a_lost_response_drops_the_connection_after_execution(
        self, gateway: SandboxGateway
    ) -> None:
        gateway.set_behaviour(fault="lost-answer", times=1)
        fields = session_fields()
        with pytest.raises(urllib3.exceptions.ProtocolError):
            gateway.request("POST", "/v1/checkout/sessions", fields, Idempotency_Key="lost-1")
        again = gateway.request("POST", "/v1/checkout/sessions", fields, Idempotency_Key="lost-1")
        assert again.headers["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize(
        "how",
        [
            {},
            {"mode": "loud"},
            {"fault": "x"},
            {"fault": "stumble", "times": 0},
            {"fault": "stumble", "times": 2**63},
            {"fault": "stumble", "times": "2"},
            {"times": 1},
        ],
    )
    def test_an_unknown_behaviour_is_refused(
        self, gateway: SandboxGateway, how: dict[str, Any]
    ) -> None:
        assert gateway.set_behaviour(**how).status == 400


class TestEvents:
    def test_stripe_s_library_pages_through_them_newest_first(
        self, gateway: SandboxGateway, library: stripe.StripeClient, buyer: Buyer
    ) -> None:
        since = int(time.time())
        intents = [paid(gateway, buyer) for _ in range(3)]

        found = library.v1.events.list(
            {"created": {"gte": since}, "types": ["checkout.session.completed"], "limit": 2}
        )

        events = list(found.auto_paging_iter())
        assert found.has_more
        # Events of earlier tests may be of the same second.
        assert [event.data.object["payment_intent"] for event in events][:3] == intents[::-1]
        assert len({event.id for event in events}) == len(events)
        assert {event.type for event in events} == {"checkout.session.completed"}

    def test_none_is_of_the_future(
        self, gateway: SandboxGateway, library: stripe.StripeClient
    ) -> None:
        later = int(time.time()) + 3600

        assert library.v1.events.list({"created": {"gte": later}}).data == []
