"""A payment in and a payout through the bank, with the whole application and a browser."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page

from tests.browser import chromium, page
from tests.live import PASSWORD, Api, wait_until
from tests.local.helpers import Up, bank_port, data_dir, first_line, gateway_port, port, up
from tests.sandbox.bank.test_browser import pay_in_browser

# Fixtures, found by their names.
__all__ = ["bank_port", "chromium", "data_dir", "gateway_port", "page", "port", "up"]


@pytest.fixture
def api(up: Up) -> Api:
    """The application as `payment-flow up` starts it: API, worker and bank simulator."""
    return Api(first_line(up("--quiet", "--no-demo")))


def balance_of(api: Api, token: str) -> Callable[[], str]:
    def get_balance() -> str:
        return str(api.call("GET", "/api/v1/wallet", token=token).json["balance"])

    return get_balance


@pytest.mark.stress
def test_a_payment_on_the_page_of_the_bank_is_credited_and_can_be_paid_out(
    api: Api, page: Page
) -> None:
    token = api.sign_up(f"ada-{uuid4()}")
    balance = balance_of(api, token)
    created = api.call(
        "POST", "/api/v1/onramp", {"provider": "HDFC", "amount": "250.00"}, token=token
    )
    assert (created.status, created.json["status"], balance()) == (201, "PROCESSING", "0.00")

    pay_in_browser(
        page,
        created.json["paymentUrl"],
        amount="$250.00",
        payer="a…@example.com",
        merchant="Payment Flow",
    )

    wait_until(lambda: balance() == "250.00", seconds=60)
    onramp = api.call("GET", f"/api/v1/onramp/{created.json['id']}", token=token).json
    assert (onramp["status"], onramp["paymentUrl"], onramp["late"]) == ("SUCCESS", None, False)

    account = {
        "provider": "AXIS",
        "holder": "Ada",
        "number": "60200987654321",
        "routing": "UTIB0000123",
        "password": PASSWORD,
    }
    saved = api.call("POST", "/api/v1/wallet/bank-accounts", account, token=token)
    payout = api.call(
        "POST",
        "/api/v1/wallet/payouts",
        {"bankAccountId": saved.json["id"], "amount": "100.00"},
        token=token,
    )
    assert payout.status == 201, payout.text
    wait_until(lambda: balance() == "150.00", seconds=60)
    paid = api.call("GET", f"/api/v1/wallet/payouts/{payout.json['id']}", token=token).json
    assert paid["status"] == "PAID"
