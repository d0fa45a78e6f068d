"""Large withdrawals require a two-factor code, which is used exactly when they succeed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.wallets import ledger
from app.wallets.errors import WalletNotFound
from tests import factories
from tests.authenticator import (
    STEP,
    Authenticator,
    ManualClock,
    confirm,
    disable,
    enable_two_factor,
    request_setup,
    status,
)
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor
from tests.responses import refusal
from tests.wallets.helpers import WALLET, balance, deposit

REFUSED = (403, "TWO_FACTOR_REQUIRED")


@pytest.fixture
def user(client: FlaskClient) -> Actor:
    return factories.buyer("5000.00")


@pytest.fixture
def app_of_user(client: FlaskClient, user: Actor, totp_clock: ManualClock) -> Authenticator:
    return enable_two_factor(client, user, totp_clock)


def withdraw(
    client: FlaskClient, user: Actor, amount: str, code: str | None = None, key: str | None = None
) -> TestResponse:
    given = {"X-Two-Factor-Code": code, "Idempotency-Key": key}
    headers = user.headers | {name: value for name, value in given.items() if value is not None}
    return client.post(f"{WALLET}/withdraw", json={"amount": amount}, headers=headers)


class TestWhenACodeIsNeeded:
    @pytest.mark.parametrize("amount", ["1.00", "999.99", "1000.00"])
    def test_up_to_the_threshold_no_code_is_required(
        self, client: FlaskClient, user: Actor, amount: str
    ) -> None:
        assert withdraw(client, user, amount).status_code == 200

    def test_above_the_threshold_a_user_without_two_factor_is_told_to_enable_it(
        self, client: FlaskClient, user: Actor
    ) -> None:
        answer = withdraw(client, user, "1000.01")

        assert refusal(answer) == REFUSED
        assert answer.json["details"] == {
            "above": "1000.00",
            "enrolled": False,
            "reason": "AMOUNT",
        }
        assert "$1000.00" in answer.json["message"]
        assert "POST /auth/two-factor" in answer.json["message"]
        assert balance(client, user) == "5000.00"

    def test_two_factor_that_is_not_confirmed_yet_does_not_count(
        self, client: FlaskClient, user: Actor, totp_clock: ManualClock
    ) -> None:
        app = Authenticator(request_setup(client, user).json["secret"], totp_clock)

        answer = withdraw(client, user, "1000.01", app.code())

        assert refusal(answer) == REFUSED
        assert answer.json["details"]["enrolled"] is False

    def test_a_user_with_two_factor_is_told_to_send_a_code(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        answer = withdraw(client, user, "1000.01")

        assert refusal(answer) == REFUSED
        assert answer.json["details"] == {
            "above": "1000.00",
            "enrolled": True,
            "reason": "AMOUNT",
        }
        assert "X-Two-Factor-Code" in answer.json["message"]

    def test_with_a_valid_code_the_withdrawal_succeeds(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        assert withdraw(client, user, "1000.01", app_of_user.code()).status_code == 200
        assert balance(client, user) == "3999.99"

    def test_the_threshold_can_be_configured(
        self, client: FlaskClient, user: Actor, change_settings: Callable[..., None]
    ) -> None:
        change_settings(two_factor_above=Decimal("50"))

        assert withdraw(client, user, "50.00").status_code == 200
        answer = withdraw(client, user, "50.01")

        assert refusal(answer) == REFUSED
        assert answer.json["details"]["above"] == "50.00"

    def test_other_errors_take_precedence(self, client: FlaskClient, user: Actor) -> None:
        answer = withdraw(client, user, "10000.00")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")


class TestValidCodes:
    def test_with_a_wrong_code_the_withdrawal_is_refused(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        answer = withdraw(client, user, "2000.00", app_of_user.wrong_code())

        assert refusal(answer) == REFUSED
        assert answer.json["details"] == {
            "above": "1000.00",
            "enrolled": True,
            "reason": "AMOUNT",
        }
        assert "wrong" in answer.json["message"]
        assert balance(client, user) == "5000.00"

    def test_each_code_works_once(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        code = app_of_user.code()
        assert withdraw(client, user, "2000.00", code).status_code == 200

        assert refusal(withdraw(client, user, "2000.00", code)) == REFUSED
        app_of_user.clock.advance(STEP)
        assert withdraw(client, user, "2000.00", app_of_user.code()).status_code == 200

    def test_a_code_older_than_the_last_used_one_is_refused(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        app_of_user.clock.advance(STEP)
        earlier, later = app_of_user.code(seconds=-STEP), app_of_user.code()
        assert withdraw(client, user, "2000.00", later).status_code == 200

        assert refusal(withdraw(client, user, "2000.00", earlier)) == REFUSED

    def test_a_recovery_code_works_once_in_any_spelling(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        code = app_of_user.recovery_codes[0]

        assert withdraw(client, user, "2000.00", code.lower().replace("-", "")).status_code == 200

        assert refusal(withdraw(client, user, "2000.00", code)) == REFUSED
        assert status(client, user)["recoveryCodesLeft"] == 9
        other = app_of_user.recovery_codes[1]
        assert withdraw(client, user, "2000.00", other).status_code == 200

    def test_the_code_of_another_user_is_refused(
        self,
        client: FlaskClient,
        user: Actor,
        app_of_user: Authenticator,
        totp_clock: ManualClock,
    ) -> None:
        theirs = enable_two_factor(client, factories.actor(), totp_clock)

        assert refusal(withdraw(client, user, "2000.00", theirs.code())) == REFUSED

    @pytest.mark.parametrize("code", ["12345", "1234567", "letme1", "AAAA-BBBB", ""])
    @pytest.mark.parametrize("amount", ["5.00", "2000.00"])
    def test_a_malformed_code_is_a_validation_error(
        self, client: FlaskClient, user: Actor, amount: str, code: str
    ) -> None:
        answer = withdraw(client, user, amount, code)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["X-Two-Factor-Code"]


class TestWhenACodeIsUsed:
    def test_a_small_withdrawal_does_not_use_the_code(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        code = app_of_user.code()

        assert withdraw(client, user, "5.00", code).status_code == 200
        assert withdraw(client, user, "2000.00", code).status_code == 200

    def test_a_refused_withdrawal_does_not_use_the_code(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        recovery_code = app_of_user.recovery_codes[0]
        assert withdraw(client, user, "3000.00", recovery_code).status_code == 200
        code = app_of_user.code()
        assert refusal(withdraw(client, user, "4000.00", code)) == (400, "INSUFFICIENT_FUNDS")
        deposit(client, user, "2000.00")

        assert withdraw(client, user, "4000.00", code).status_code == 200

    @pytest.mark.parametrize("kind", ["app", "recovery"])
    def test_a_failure_after_the_code_was_verified_does_not_use_it(
        self,
        client: FlaskClient,
        user: Actor,
        app_of_user: Authenticator,
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
    ) -> None:
        code = app_of_user.code() if kind == "app" else app_of_user.recovery_codes[0]

        def refuse(*_: Any, **__: Any) -> None:
            raise WalletNotFound

        with monkeypatch.context() as patch:
            patch.setattr(ledger, "write_entries", refuse)
            assert refusal(withdraw(client, user, "2000.00", code)) == (404, "WALLET_NOT_FOUND")

        assert status(client, user)["recoveryCodesLeft"] == 10
        assert withdraw(client, user, "2000.00", code).status_code == 200

    def test_an_idempotency_key_stores_the_response_only_once_the_code_is_valid(
        self, client: FlaskClient, user: Actor, app_of_user: Authenticator
    ) -> None:
        assert refusal(withdraw(client, user, "2000.00", key="payday-1")) == REFUSED
        wrong = withdraw(client, user, "2000.00", app_of_user.wrong_code(), key="payday-1")
        assert refusal(wrong) == REFUSED

        done = withdraw(client, user, "2000.00", app_of_user.code(), key="payday-1")
        again = withdraw(client, user, "2000.00", key="payday-1")

        assert done.status_code == 200
        assert again.data == done.data
        assert again.headers["Idempotent-Replayed"] == "true"
        assert balance(client, user) == "3000.00"


class TestRateLimit:
    def test_at_most_five_codes_a_minute_can_be_tried(
        self, rate_limited: Flask, totp_clock: ManualClock
    ) -> None:
        client, user = rate_limited.test_client(), factories.buyer("5000.00")
        app = enable_two_factor(client, user, totp_clock)  # the first of five

        tries = [withdraw(client, user, "2000.00", app.wrong_code()) for _ in range(4)]
        right = withdraw(client, user, "2000.00", app.code())

        assert {answer.status_code for answer in tries} == {403}
        assert refusal(right) == (429, "RATE_LIMITED")
        assert int(right.headers["Retry-After"]) >= 1

    def test_requests_without_a_code_are_not_limited(self, rate_limited: Flask) -> None:
        client, user = rate_limited.test_client(), factories.buyer("100.00")

        answers = [withdraw(client, user, "1.00") for _ in range(20)]

        assert {answer.status_code for answer in answers} == {200}


class TestConcurrency:
    @pytest.mark.parametrize("kind", ["app", "recovery"])
    def test_of_concurrent_withdrawals_with_one_code_one_succeeds(
        self, committing: Flask, totp_clock: ManualClock, kind: str
    ) -> None:
        user = factories.buyer("50000.00")
        app = enable_two_factor(committing.test_client(), user, totp_clock)
        code = app.code() if kind == "app" else app.recovery_codes[0]

        answers = all_at_once(
            lambda _: withdraw(committing.test_client(), user, "2000.00", code), range(16)
        )

        assert outcomes(answers) == {(200, None): 1, REFUSED: 15}
        assert balance(committing.test_client(), user) == "48000.00"
        assert broken_invariants() == []

    def test_a_code_either_disables_two_factor_or_authorises_a_withdrawal(
        self, committing: Flask, totp_clock: ManualClock
    ) -> None:
        user = factories.buyer("50000.00")
        client = committing.test_client()
        code = enable_two_factor(client, user, totp_clock).code()

        def act(number: int) -> Any:
            if number % 2:
                return disable(committing.test_client(), user, code)
            return withdraw(committing.test_client(), user, "2000.00", code)

        answers = all_at_once(act, range(12))

        statuses = [answer.status_code for answer in answers]
        assert statuses.count(200) + statuses.count(204) == 1
        moved = "48000.00" if 200 in statuses else "50000.00"
        assert balance(client, user) == moved
        assert status(client, user)["enabled"] == (200 in statuses)
        assert broken_invariants() == []

    def test_concurrent_confirmations_enable_two_factor_once(
        self, committing: Flask, totp_clock: ManualClock
    ) -> None:
        user = factories.actor()
        client = committing.test_client()
        code = Authenticator(request_setup(client, user).json["secret"], totp_clock).code()

        answers = all_at_once(lambda _: confirm(committing.test_client(), user, code), range(12))

        codes = [a.json["recoveryCodes"] for a in answers if a.status_code == 200]
        assert len(codes) == 1
        others = {a.json["error"] for a in answers if a.status_code != 200}
        assert others == {"TWO_FACTOR_NOT_PENDING"}
        assert status(client, user)["recoveryCodesLeft"] == 10
        assert broken_invariants() == []
