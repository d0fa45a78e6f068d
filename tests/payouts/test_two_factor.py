"""Large payouts require a two-factor code."""

from flask.testing import FlaskClient

from tests import factories
from tests.authenticator import ManualClock, enable_two_factor
from tests.payouts.helpers import balance_and_held, bank_account_of, create_payout
from tests.responses import refusal

REFUSED = (403, "TWO_FACTOR_REQUIRED")


def test_a_payout_up_to_the_threshold_requires_no_code(client: FlaskClient) -> None:
    user = factories.buyer("5000.00")
    assert create_payout(client, user, bank_account_of(client, user), "1000.00").status_code == 201


def test_a_payout_above_the_threshold_requires_a_code(
    client: FlaskClient, totp_clock: ManualClock
) -> None:
    user = factories.buyer("5000.00")
    account_id, app = (
        bank_account_of(client, user),
        enable_two_factor(client, user, totp_clock),
    )
    code = {"X-Two-Factor-Code": app.code()}
    wrong = {"X-Two-Factor-Code": app.wrong_code()}

    answers = [
        create_payout(client, user, account_id, "1000.01", headers=headers)
        for headers in ({}, wrong, code, code)
    ]

    assert [refusal(answers[number]) for number in (0, 1, 3)] == [REFUSED] * 3
    assert answers[2].status_code == 201
    assert balance_and_held(client, user) == ("5000.00", "1000.01")


def test_a_key_can_be_used_again_with_the_code(
    client: FlaskClient, totp_clock: ManualClock
) -> None:
    user = factories.buyer("5000.00")
    account_id, app = (
        bank_account_of(client, user),
        enable_two_factor(client, user, totp_clock),
    )
    key = {"Idempotency-Key": "payout-1"}

    assert refusal(create_payout(client, user, account_id, "2000.00", headers=key)) == REFUSED
    code = {"X-Two-Factor-Code": app.code()}
    assert create_payout(client, user, account_id, "2000.00", headers=key | code).status_code == 201
