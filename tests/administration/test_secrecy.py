"""What administrators can read contains no secret."""

from flask.testing import FlaskClient

from app.common.db import transaction
from app.risk.models import RuleOutcome
from tests import factories
from tests.authenticator import ManualClock, begin_setup, confirm
from tests.delivery.codes.helpers import stocked
from tests.delivery.helpers import get_delivery
from tests.operations.access_matrix import EXPECTED
from tests.orders.helpers import buy
from tests.payouts.helpers import NUMBER, pending_payout
from tests.risk.helpers import condition, decisions, rule
from tests.transfers.helpers import send

CODE = "GIFT-7F3A-SECRET"
#: What the simulator says, which is not there; backtests and models, of which there are none.
ABSENT = ("/traffic", "{backtest_id}", "{model_id}", "merchant")


def test_no_read_of_an_administrator_shows_a_secret(
    client: FlaskClient, totp_clock: ManualClock
) -> None:
    admin, user = factories.admin(), factories.buyer()
    _, product_id = stocked(client, CODE)
    order = buy(client, user, product_id).json
    assert CODE in get_delivery(client, user, order["id"]).text
    pending_payout(client, user)
    authenticator = begin_setup(client, user, totp_clock)
    recovery_codes = confirm(client, user, authenticator.code()).json["recoveryCodes"]
    with transaction() as session:
        wallet_id = str(factories.wallet(session, user.id).id)
    rule_id = rule(condition("amount", ">", "1"), outcome=RuleOutcome.REVIEW)
    payer = factories.buyer()
    review = send(client, payer, user, "2.00").json
    names = {
        "user_id": str(user.id),
        "wallet_id": wallet_id,
        "order_id": order["id"],
        "rule_id": str(rule_id),
        "case_id": review["id"],
        "decision_id": str(decisions(payer.id)[0].id),
    }

    shown, read = "", 0
    for method, path in EXPECTED:
        is_there = not any(part in path for part in ABSENT)
        if method == "GET" and path.startswith("/api/v1/admin/") and is_there:
            answer = client.get(path.format(**names), headers=admin.headers)
            assert answer.status_code == 200, path
            shown += answer.text
            read += 1
    assert read >= 12
    assert user.email in shown
    secrets = [CODE, NUMBER, factories.PASSWORD_HASH, authenticator.secret, *recovery_codes]
    assert [secret for secret in secrets if secret in shown] == []
