"""Large payouts: only with a code of the second factor."""

from flask.testing import FlaskClient

from tests import factories
from tests.answers import refusal
from tests.authenticator import Watch, enrolled
from tests.payouts.helpers import account_of, money, pay_out

REFUSED = (403, "TWO_FACTOR_REQUIRED")


def test_up_to_the_limit_nobody_is_asked(client: FlaskClient) -> None:
    user = factories.buyer("5000.00")
    assert pay_out(client, user, account_of(client, user), "1000.00").status_code == 201


def test_above_it_the_money_is_held_with_a_code_only(client: FlaskClient, watch: Watch) -> None:
    user = factories.buyer("5000.00")
    account_id, app = account_of(client, user), enrolled(client, user, watch)
    code = {"X-Two-Factor-Code": app.code()}
    wrong = {"X-Two-Factor-Code": app.wrong_code()}

    answers = [
        pay_out(client, user, account_id, "1000.01", headers=headers)
        for headers in ({}, wrong, code, code)
    ]

    assert [refusal(answers[number]) for number in (0, 1, 3)] == [REFUSED] * 3
    assert answers[2].status_code == 201
    assert money(client, user) == ("5000.00", "1000.01")


def test_a_key_may_be_used_again_with_the_code(client: FlaskClient, watch: Watch) -> None:
    user = factories.buyer("5000.00")
    account_id, app = account_of(client, user), enrolled(client, user, watch)
    key = {"Idempotency-Key": "payout-1"}

    assert refusal(pay_out(client, user, account_id, "2000.00", headers=key)) == REFUSED
    code = {"X-Two-Factor-Code": app.code()}
    assert pay_out(client, user, account_id, "2000.00", headers=key | code).status_code == 201
