"""The client of the gateway over real HTTP, with Stripe's library and the simulated gateway."""

import ast
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.common import circuit, clock
from app.common.ids import new_id
from app.common.money import Money
from app.common.settings import PROJECT_ROOT
from app.gateway import client
from app.gateway.errors import (
    AmountNotPayable,
    GatewayNotConfigured,
    GatewayRefused,
    GatewayUnavailable,
)
from app.gateway.provider_config import GatewayConfig
from app.gateway.types import CheckoutSessionStatus, GatewayRefund, GatewayRefundStatus
from tests.gateway.helpers import UseGateway, created_session, paid_intent, session_arguments
from tests.live import wait_until
from tests.stripe import (
    FAILING_REFUND_CARD,
    SECRET_KEY,
    SLOW_REFUND_CARD,
    WEBHOOK_SECRET,
    Buyer,
    SandboxGateway,
)


def session_of(gateway: SandboxGateway, session_id: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.request("GET", f"/v1/checkout/sessions/{session_id}").json
    return found


class TestCreatingSessions:
    def test_the_request_has_every_field(self, gateway: SandboxGateway) -> None:
        order_id, expires_at = new_id(), clock.now() + timedelta(minutes=40)
        checkout = created_session(order_id, expires_at=expires_at)

        found = session_of(gateway, checkout.session_id)
        assert checkout.url == found["url"]
        assert checkout.payment_intent_id is None
        assert checkout.expires_at == expires_at.replace(microsecond=0)
        assert (found["amount_total"], found["currency"]) == (5000, "usd")
        assert found["client_reference_id"] == str(order_id)
        assert found["metadata"] == {"order_id": str(order_id), "order_number": "4821-0937-558"}
        assert found["customer_email"] == "ada@example.com"
        assert found["success_url"] == "https://shop.example.com/thanks"
        assert found["cancel_url"] == "https://shop.example.com/cart"
        page = Buyer().open(checkout.url).text
        assert "2, $25.00 each" in page

    def test_a_repeated_request_returns_the_same_session(self, gateway: SandboxGateway) -> None:
        order_id, same = new_id(), session_arguments()
        first = client.create_checkout_session(order_id, **same)
        assert client.create_checkout_session(order_id, **same) == first
        assert client.create_checkout_session(new_id(), **same).session_id != first.session_id

    def test_a_repeated_request_with_other_arguments_is_refused(
        self, gateway: SandboxGateway
    ) -> None:
        order_id, same = new_id(), session_arguments()
        client.create_checkout_session(order_id, **same)
        with pytest.raises(GatewayRefused):
            client.create_checkout_session(order_id, **same | {"product_name": "Other"})

    def test_a_discounted_total_is_one_line_item(self, gateway: SandboxGateway) -> None:
        checkout = created_session(money=Money(4500, "USD"), buyer_email=None)
        assert session_of(gateway, checkout.session_id)["amount_total"] == 4500
        assert "2 x Field Guide" in Buyer().open(checkout.url).text

    @pytest.mark.parametrize(
        ("money", "unit"),
        [
            (Money(500, "JPY"), Money(250, "JPY")),
            (Money(2500, "KWD"), Money(1250, "KWD")),
            (Money(2510, "KWD"), Money(1255, "KWD")),
            (Money(150_000_00, "INR"), Money(75_000_00, "INR")),
        ],
        ids=str,
    )
    def test_amounts_are_in_the_smallest_units_of_every_currency(
        self, gateway: SandboxGateway, money: Money, unit: Money
    ) -> None:
        found = session_of(gateway, created_session(money=money, unit=unit).session_id)
        assert (found["amount_total"], found["currency"]) == (money.minor, money.currency.lower())

    @pytest.mark.parametrize(
        "money", [Money(2505, "KWD"), Money(49, "USD"), Money(10**10, "USD")], ids=str
    )
    def test_an_amount_that_is_not_payable_is_refused(
        self, gateway: SandboxGateway, money: Money
    ) -> None:
        with pytest.raises(AmountNotPayable) as refused:
            created_session(money=money, quantity=1, unit=money)
        assert (refused.value.status, refused.value.code) == (400, "AMOUNT_NOT_PAYABLE")

    def test_a_long_product_name_is_truncated(self, gateway: SandboxGateway) -> None:
        assert created_session(product_name="x" * 400).url

    def test_without_a_gateway_every_request_is_refused(self, use_gateway: UseGateway) -> None:
        use_gateway(None)
        for call in (
            created_session,
            lambda: client.retrieve_checkout_session("cs_x"),
            lambda: client.expire_checkout_session("cs_x"),
        ):
            with pytest.raises(GatewayNotConfigured):
                call()


class TestSessionState:
    def test_a_session_is_open_then_paid(self, gateway: SandboxGateway) -> None:
        checkout = created_session()
        before = client.retrieve_checkout_session(checkout.session_id)
        assert (before.status, before.payment_intent_id) == (CheckoutSessionStatus.OPEN, None)
        assert (before.amount, before.currency) == (5000, "USD")

        Buyer().pay(checkout.url)
        after = client.retrieve_checkout_session(checkout.session_id)
        assert after.status is CheckoutSessionStatus.PAID
        assert after.payment_intent_id is not None
        # Expiring a paid session returns its state.
        assert client.expire_checkout_session(checkout.session_id) == after

    def test_an_expired_session_stays_expired(self, gateway: SandboxGateway) -> None:
        checkout = created_session()
        closed = client.expire_checkout_session(checkout.session_id)
        assert closed.status is CheckoutSessionStatus.EXPIRED
        assert client.expire_checkout_session(checkout.session_id) == closed
        assert Buyer().open(checkout.url).status == 410

    def test_an_unknown_session_is_refused(self, gateway: SandboxGateway) -> None:
        for call in (client.retrieve_checkout_session, client.expire_checkout_session):
            with pytest.raises(GatewayRefused) as refused:
                call("cs_test_x")
            assert refused.value.reason == "resource_missing"


class TestRefunds:
    def create_refund(
        self, intent: str, minor: int = 1500, refund_id: UUID | None = None
    ) -> GatewayRefund:
        return client.create_refund(
            refund_id or new_id(),
            payment_intent_id=intent,
            money=Money(minor, "USD"),
            reason="It did not fit",
        )

    def test_a_repeated_request_returns_the_same_refund(self, gateway: SandboxGateway) -> None:
        intent, refund_id = paid_intent(), new_id()
        first = self.create_refund(intent, refund_id=refund_id)
        assert (first.status, first.reason) == (GatewayRefundStatus.SUCCEEDED, None)
        assert self.create_refund(intent, refund_id=refund_id) == first
        assert client.retrieve_refund(first.id) == first
        assert client.find_refund(refund_id, payment_intent_id=intent) == first
        assert client.find_refund(new_id(), payment_intent_id=intent) is None
        made = gateway.request("GET", f"/v1/refunds/{first.id}").json
        assert made["metadata"] == {"refund_id": str(refund_id), "reason": "It did not fit"}

    def test_refunds_never_exceed_the_payment(self, gateway: SandboxGateway) -> None:
        intent = paid_intent()
        self.create_refund(intent, 4000)
        with pytest.raises(GatewayRefused):
            self.create_refund(intent, 1001)
        self.create_refund(intent, 1000)
        with pytest.raises(GatewayRefused) as refused:
            self.create_refund(intent, 1)
        assert refused.value.reason == "charge_already_refunded"
        assert "refunded" in refused.value.text

    def test_a_refund_can_be_pending(self, gateway: SandboxGateway) -> None:
        made = self.create_refund(paid_intent(card=SLOW_REFUND_CARD))
        assert made.status is GatewayRefundStatus.PENDING
        wait_until(lambda: client.retrieve_refund(made.id).status is GatewayRefundStatus.SUCCEEDED)

    def test_a_refund_can_fail_later(self, gateway: SandboxGateway) -> None:
        made = self.create_refund(paid_intent(card=FAILING_REFUND_CARD))
        assert made.status is GatewayRefundStatus.SUCCEEDED
        wait_until(lambda: client.retrieve_refund(made.id).status is GatewayRefundStatus.FAILED)
        assert client.retrieve_refund(made.id).reason == "expired_or_canceled_card"

    def test_three_decimals_are_refused_before_the_request(self, gateway: SandboxGateway) -> None:
        with pytest.raises(AmountNotPayable):
            client.create_refund(
                new_id(), payment_intent_id="pi_x", money=Money(1255, "KWD"), reason="x"
            )


class TestUnavailability:
    @pytest.mark.parametrize("fault", ["time-out", "lost-answer"])
    def test_a_session_whose_response_was_lost_is_found_by_a_repeated_request(
        self, gateway: SandboxGateway, fault: str
    ) -> None:
        order_id, same = new_id(), session_arguments()
        gateway.set_behaviour(fault=fault, times=1)
        with pytest.raises(GatewayUnavailable) as unavailable:
            client.create_checkout_session(order_id, **same)
        assert (unavailable.value.status, unavailable.value.code) == (503, "GATEWAY_UNAVAILABLE")
        assert int(unavailable.value.headers["Retry-After"]) >= 1

        found = client.create_checkout_session(order_id, **same)
        with gateway.store.read_transaction() as connection:
            rows = connection.execute(
                "SELECT id FROM sessions WHERE client_reference_id = ?", (str(order_id),)
            ).fetchall()
        assert [row["id"] for row in rows] == [found.session_id]

    def test_a_refund_whose_response_was_lost_is_made_once(self, gateway: SandboxGateway) -> None:
        intent, refund_id = paid_intent(), new_id()
        arguments: dict[str, Any] = {
            "payment_intent_id": intent,
            "money": Money(100, "USD"),
            "reason": "x",
        }
        gateway.set_behaviour(fault="lost-answer", times=1)
        with pytest.raises(GatewayUnavailable):
            client.create_refund(refund_id, **arguments)
        made = client.find_refund(refund_id, payment_intent_id=intent)
        assert client.create_refund(refund_id, **arguments) == made

    def test_a_transient_failure_is_retried_immediately(
        self, gateway: SandboxGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "RETRIES", 1)
        client._client_of.cache_clear()
        gateway.set_behaviour(fault="stumble", times=1)
        assert created_session().url
        gateway.set_behaviour(fault="stumble", times=2)
        with pytest.raises(GatewayUnavailable):
            created_session()

    def test_an_unreachable_gateway_is_unavailable(self, use_gateway: UseGateway) -> None:
        use_gateway(GatewayConfig("http://127.0.0.1:1", SECRET_KEY, (WEBHOOK_SECRET,)))
        with pytest.raises(GatewayUnavailable):
            created_session()


class TestCircuit:
    def test_the_circuit_opens_after_failures(self, gateway: SandboxGateway) -> None:
        gateway.set_behaviour(fault="stumble")
        for _ in range(circuit.MAX_FAILURES):
            with pytest.raises(GatewayUnavailable):
                created_session()
        gateway.set_behaviour(fault="none")
        with pytest.raises(GatewayUnavailable) as refused:
            created_session()
        assert refused.value.headers["Retry-After"] == str(circuit.RESET_SECONDS)

    def test_refusals_are_not_failures(self, gateway: SandboxGateway) -> None:
        for _ in range(circuit.MAX_FAILURES + 1):
            with pytest.raises(GatewayRefused):
                client.retrieve_checkout_session("cs_test_x")
        assert created_session().url


class TestSecrets:
    def test_a_wrong_key_is_refused_and_never_shown(
        self, gateway: SandboxGateway, use_gateway: UseGateway, capsys: pytest.CaptureFixture[str]
    ) -> None:
        use_gateway(GatewayConfig(gateway.url, "sk_test_hunter2hunter2", (WEBHOOK_SECRET,)))
        with pytest.raises(GatewayRefused) as refused:
            created_session()
        assert (refused.value.status, refused.value.code) == (502, "GATEWAY_REFUSED")
        assert "hunter2" not in refused.value.text + str(refused.value.details)
        assert "hunter2" not in capsys.readouterr().out


def test_the_library_is_imported_with_the_first_request() -> None:
    """It takes 6 MB of each web process: only `transport` imports it at module level, and no
    module imports `transport` at module level."""
    importing = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in (PROJECT_ROOT / "app").rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and re.search(r"\b(stripe|gateway.*transport)\b", ast.unparse(node))
    }
    assert importing == {"app/gateway/transport.py"}
