"""The outflow policy is the same for every operation that takes money out of a wallet."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token

from app.auth.tokens import ACCESS_AUDIENCE, token_rules
from app.common import clock
from app.wallets import outflow
from app.wallets.models import TransactionType
from tests import factories
from tests.authenticator import Authenticator, ManualClock, enable_two_factor
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.payouts.helpers import bank_account_of
from tests.responses import refusal
from tests.wallets.helpers import lock, set_limit
from tests.wallets.holds.helpers import capture
from tests.wallets.outflows import (
    CASES,
    OBLIGATIONS,
    OutflowCase,
    place_hold,
    transfer,
    withdraw,
)

LIMIT_EXCEEDED = (400, "LIMIT_EXCEEDED")
REFUSED = (403, "TWO_FACTOR_REQUIRED")

each_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture
def payer(client: FlaskClient) -> Actor:
    """With a bank account, which needs a code once two-factor authentication is enabled."""
    user = factories.buyer("20000.00")
    bank_account_of(client, user)
    return user


@pytest.fixture
def payee(client: FlaskClient) -> Actor:
    return factories.merchant()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The clock of the whole application."""
    manual = ManualClock()
    manual.moment = clock.now()
    freeze_clock(monkeypatch, manual.now)
    return manual


def later(time: ManualClock, actor: Actor, period: timedelta) -> Actor:
    """The actor with a new access token, after some time."""
    time.moment += period
    return signed_in_for_long(actor, "USER")


def signed_in_for_long(actor: Actor, role: str) -> Actor:
    """The actor with an access token that outlives the time that a test skips."""
    claims = {
        "iss": token_rules().issuer,
        "aud": ACCESS_AUDIENCE,
        "sid": str(actor.session_id),
        "role": role,
        "email": actor.email,
        "iat": clock.now(),
        "exp": clock.now() + timedelta(days=7),
    }
    return replace(actor, token=create_access_token(str(actor.id), additional_claims=claims))


def with_code(app: Authenticator) -> dict[str, str]:
    """The header with the next code."""
    app.clock.advance(30)
    return {"X-Two-Factor-Code": app.code()}


class TestCases:
    def test_every_kind_of_outflow_has_a_case(self) -> None:
        assert {case.kind for case in CASES} == {*outflow.KINDS}

    def test_every_operation_that_debits_a_wallet_accepts_a_code(self, client: FlaskClient) -> None:
        """An operation that documents INSUFFICIENT_FUNDS debits the wallet of the caller."""
        document = client.get("/api/openapi.json").json
        debiting, with_header = set(), set()
        for path in document["paths"].values():
            for operation in path.values():
                if not isinstance(operation, dict):
                    continue
                refusals = operation["responses"].get("400", {}).get("description", "")
                if "INSUFFICIENT_FUNDS" in refusals:
                    debiting.add(operation["operationId"])
                parameters = operation.get("parameters", ())
                is_for_all = operation.get("x-required-roles") != ["ADMIN"]  # who need one anyway
                if is_for_all and any(o.get("name") == "X-Two-Factor-Code" for o in parameters):
                    with_header.add(operation["operationId"])
                    assert "TWO_FACTOR_REQUIRED" in operation["responses"]["403"]["description"]
                    assert "LIMIT_EXCEEDED" in refusals
        assert debiting - OBLIGATIONS == with_header == {case.operation for case in CASES}


@each_case
class TestLimits:
    @pytest.mark.parametrize("window", ["DAY", "MONTH"])
    @pytest.mark.parametrize("covering", ["own", "OUTGOING"])
    def test_a_limit_is_used_up_exactly(
        self,
        client: FlaskClient,
        payer: Actor,
        payee: Actor,
        case: OutflowCase,
        covering: str,
        window: str,
    ) -> None:
        kind = case.kind if covering == "own" else covering
        set_limit(client, payer, kind, window, "100.00")
        assert refusal(case.spend(client, payer, payee, "100.01", {})) == LIMIT_EXCEEDED

        assert case.spend(client, payer, payee, "60.00", {}).status_code < 300
        refused = case.spend(client, payer, payee, "40.01", {})
        assert refusal(refused) == LIMIT_EXCEEDED
        assert refused.json["details"] == {
            "type": kind,
            "window": window,
            "limit": "100.00",
            "used": "60.00",
            "remaining": "40.00",
        }
        assert case.spend(client, payer, payee, "40.00", {}).status_code < 300
        assert refusal(case.spend(client, payer, payee, "1.00", {})) == LIMIT_EXCEEDED
        assert broken_invariants() == []

    def test_other_outflows_count_towards_the_limit_of_all(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        set_limit(client, payer, "OUTGOING", "DAY", "100.00")
        for other in CASES:
            assert other.spend(client, payer, payee, "10.00", {}).status_code < 300

        assert refusal(case.spend(client, payer, payee, "20.01", {})) == LIMIT_EXCEEDED
        assert case.spend(client, payer, payee, "20.00", {}).status_code < 300

    def test_a_limit_per_transaction_applies(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        set_limit(client, payer, case.kind, "TRANSACTION", "50.00")

        assert refusal(case.spend(client, payer, payee, "50.01", {})) == LIMIT_EXCEEDED
        for _ in range(2):
            assert case.spend(client, payer, payee, "50.00", {}).status_code < 300


@each_case
class TestSecondFactor:
    def test_the_sum_of_a_day_counts(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        assert withdraw(client, payer, payee, "600.00", {}).status_code == 200

        refused = case.spend(client, payer, payee, "400.01", {})

        assert refusal(refused) == REFUSED
        assert refused.json["details"] == {
            "above": "1000.00",
            "enrolled": False,
            "reason": "AMOUNT",
        }
        assert case.spend(client, payer, payee, "400.00", {}).status_code < 300

    def test_the_threshold_cannot_be_spent_twice(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        assert case.spend(client, payer, payee, "1000.00", {}).status_code < 300

        for _ in range(4):
            assert refusal(case.spend(client, payer, payee, "1000.00", {})) == REFUSED
        assert refusal(case.spend(client, payer, payee, "1.00", {})) == REFUSED

    def test_what_is_older_than_a_day_does_not_count(
        self,
        client: FlaskClient,
        payer: Actor,
        payee: Actor,
        case: OutflowCase,
        time: ManualClock,
    ) -> None:
        start = case.spend(client, payer, payee, "1000.00", {})
        assert start.status_code < 300

        payer, payee = (
            later(time, payer, timedelta(hours=24, minutes=1)),
            signed_in_for_long(payee, "MERCHANT"),
        )
        if case.spend is place_hold:
            # The capture counts like a payment.
            assert capture(client, payee, start.json["id"]).status_code == 200
            assert refusal(case.spend(client, payer, payee, "0.01", {})) == REFUSED
            payer = later(time, payer, timedelta(hours=24, minutes=1))
            payee = signed_in_for_long(payee, "MERCHANT")

        assert case.spend(client, payer, payee, "1000.00", {}).status_code < 300

    def test_a_code_starts_the_sum_again(
        self,
        client: FlaskClient,
        payer: Actor,
        payee: Actor,
        case: OutflowCase,
        time: ManualClock,
    ) -> None:
        app = enable_two_factor(client, payer, time)
        headers = with_code(app)
        assert case.spend(client, payer, payee, "1500.00", headers).status_code < 300
        time.advance(1)

        for _ in range(2):
            answer = case.spend(client, payer, payee, "50.00", {})
            assert case.new is not None or answer.status_code < 300
        assert refusal(case.spend(client, payer, payee, "1000.01", {})) == REFUSED
        again = case.spend(client, payer, payee, "1000.01", with_code(app))
        assert again.status_code < 300
        assert broken_invariants() == []


@each_case
class TestNewPayees:
    def test_without_two_factor_a_first_small_payment_needs_no_code(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        assert case.spend(client, payer, payee, "900.00", {}).status_code < 300

    def test_a_new_payee_or_bank_account_needs_a_code_for_some_time(
        self,
        client: FlaskClient,
        payer: Actor,
        payee: Actor,
        case: OutflowCase,
        time: ManualClock,
    ) -> None:
        app = enable_two_factor(client, payer, time)
        first = case.spend(client, payer, payee, "5.00", {})
        if case.new is None:
            assert first.status_code < 300
            return

        assert refusal(first) == REFUSED
        assert (first.json["details"]["reason"], first.json["details"]["enrolled"]) == (
            case.new,
            True,
        )
        assert case.spend(client, payer, payee, "5.00", with_code(app)).status_code < 300
        assert refusal(case.spend(client, payer, payee, "5.00", {})) == REFUSED
        period = timedelta(days=1) if case.new == "NEW_BANK_ACCOUNT" else timedelta(hours=1)
        payer = later(time, payer, period)
        payee = signed_in_for_long(payee, "MERCHANT")
        assert case.spend(client, payer, payee, "5.00", {}).status_code < 300


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind is TransactionType.PAYMENT], ids=str
)
class TestNewMerchants:
    def test_a_large_first_payment_to_a_merchant_needs_a_code(
        self,
        client: FlaskClient,
        payer: Actor,
        payee: Actor,
        case: OutflowCase,
        time: ManualClock,
    ) -> None:
        app = enable_two_factor(client, payer, time)
        assert case.spend(client, payer, payee, "100.00", {}).status_code < 300

        refused = case.spend(client, payer, payee, "100.01", {})

        assert refusal(refused) == REFUSED
        assert refused.json["details"]["reason"] == "NEW_PAYEE"
        assert case.spend(client, payer, payee, "100.01", with_code(app)).status_code < 300
        payer, payee = later(time, payer, timedelta(hours=1)), signed_in_for_long(payee, "MERCHANT")
        assert case.spend(client, payer, payee, "100.01", {}).status_code < 300

    def test_small_payments_to_new_merchants_count_together(
        self,
        client: FlaskClient,
        payer: Actor,
        payee: Actor,
        case: OutflowCase,
        time: ManualClock,
    ) -> None:
        app = enable_two_factor(client, payer, time)
        assert case.spend(client, payer, payee, "60.00", {}).status_code < 300
        assert case.spend(client, payer, factories.merchant(), "40.00", {}).status_code < 300

        refused = case.spend(client, payer, payee, "0.01", {})

        assert refusal(refused) == REFUSED
        assert refused.json["details"]["reason"] == "NEW_PAYEE"
        assert case.spend(client, payer, payee, "0.01", with_code(app)).status_code < 300

    def test_a_small_payment_makes_no_merchant_known(
        self,
        client: FlaskClient,
        payer: Actor,
        payee: Actor,
        case: OutflowCase,
        time: ManualClock,
    ) -> None:
        """Or else a purchase of a cent would allow a large transfer an hour later."""
        enable_two_factor(client, payer, time)
        assert case.spend(client, payer, payee, "0.01", {}).status_code < 300
        payer, payee = later(time, payer, timedelta(hours=2)), signed_in_for_long(payee, "MERCHANT")

        for spend, amount in ((case.spend, "100.00"), (transfer, "1.00")):
            refused = spend(client, payer, payee, amount, {})
            assert refusal(refused) == REFUSED
            assert refused.json["details"]["reason"] == "NEW_PAYEE"


@each_case
class TestWallet:
    def test_a_locked_wallet_cannot_spend(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        lock(client, payer)

        refused = case.spend(client, payer, payee, "1.00", {})

        assert refusal(refused) == (403, "WALLET_LOCKED")

    def test_more_than_the_available_amount_cannot_be_spent(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        refused = case.spend(client, payer, payee, "20000.01", {})

        assert refusal(refused) == (400, "INSUFFICIENT_FUNDS")

    def test_an_invalid_code_is_a_validation_error(
        self, client: FlaskClient, payer: Actor, payee: Actor, case: OutflowCase
    ) -> None:
        refused = case.spend(client, payer, payee, "1.00", {"X-Two-Factor-Code": "12345"})

        assert refusal(refused) == (400, "VALIDATION_ERROR")


def test_a_capture_within_an_exhausted_limit_succeeds(
    client: FlaskClient, payer: Actor, payee: Actor
) -> None:
    """The hold has used the limit."""
    set_limit(client, payer, "OUTGOING", "DAY", "100.00")
    held = place_hold(client, payer, payee, "100.00", {}).json["id"]

    assert capture(client, payee, held).status_code == 200
    assert refusal(place_hold(client, payer, payee, "0.01", {})) == LIMIT_EXCEEDED
    assert broken_invariants() == []
