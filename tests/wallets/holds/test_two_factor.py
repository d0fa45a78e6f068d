"""Large holds require a two-factor code."""

from flask.testing import FlaskClient

from tests import factories
from tests.authenticator import ManualClock, enable_two_factor
from tests.responses import refusal


def test_a_large_hold_requires_a_two_factor_code(
    client: FlaskClient, totp_clock: ManualClock
) -> None:
    payer, payee = factories.buyer("5000.00"), factories.merchant()
    app = enable_two_factor(client, payer, totp_clock)

    def place(amount: str, **headers: str) -> tuple[int, str]:
        body = {"payeeId": str(payee.id), "amount": amount}
        answer = client.post("/api/v1/wallet/holds", json=body, headers=payer.headers | headers)
        return (201, "") if answer.status_code == 201 else refusal(answer)

    code = {"X-Two-Factor-Code": app.code()}
    assert place("100.00") == (201, "")
    assert place("1000.01") == (403, "TWO_FACTOR_REQUIRED")
    assert place("1000.01", **code) == (201, "")
    assert place("1000.01", **code) == (403, "TWO_FACTOR_REQUIRED")
    wallet = client.get("/api/v1/wallet", headers=payer.headers).json
    assert (wallet["balance"], wallet["held"]) == ("5000.00", "1100.01")
