"""Concurrent outflows share what the policy allows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests import factories
from tests.authenticator import ManualClock, enable_two_factor
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.wallets.helpers import set_limit
from tests.wallets.outflows import order, place_hold, transfer, withdraw

LIMIT_EXCEEDED = (400, "LIMIT_EXCEEDED")
REFUSED = (403, "TWO_FACTOR_REQUIRED")


@pytest.mark.parametrize(
    "limit", ["PAYMENT", "OUTGOING", "second factor"], ids=lambda name: name.lower()
)
def test_concurrent_purchases_share_what_remains(
    committing: Flask, change_settings: Callable[..., None], limit: str
) -> None:
    """They are decided in batches."""
    client = committing.test_client()
    buyer, seller = factories.buyer("100.00"), factories.merchant()
    product_id = factories.product(seller, price="1.00", units=100)
    if limit == "second factor":
        change_settings(two_factor_above=Decimal("5.00"))
    else:
        set_limit(client, buyer, limit, "DAY", "5.00")

    def buy(_: int) -> TestResponse:
        body = {"productId": str(product_id), "paymentMethod": "WALLET"}
        return committing.test_client().post("/api/v1/orders", json=body, headers=buyer.headers)

    answers = all_at_once(buy, range(20))

    expected = REFUSED if limit == "second factor" else LIMIT_EXCEEDED
    assert outcomes(answers) == {(201, None): 5, expected: 15}
    assert broken_invariants() == []


def test_concurrent_outflows_of_different_kinds_share_what_remains(committing: Flask) -> None:
    client = committing.test_client()
    payer, payee = factories.buyer("100.00"), factories.merchant()
    set_limit(client, payer, "OUTGOING", "DAY", "7.00")
    spends = [withdraw, transfer, order, place_hold]

    def spend(number: int) -> Any:
        call = spends[number % len(spends)]
        return call(committing.test_client(), payer, payee, "1.00", {}).status_code < 300

    assert sum(all_at_once(spend, range(24), threads=8)) == 7
    assert broken_invariants() == []


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_concurrent_purchases_with_one_code_use_it_once(
    committing: Flask, totp_clock: ManualClock, kind: str
) -> None:
    buyer, seller = factories.buyer("50000.00"), factories.merchant()
    app = enable_two_factor(committing.test_client(), buyer, totp_clock)
    product_id = factories.product(seller, price="2000.00", units=100)
    code = app.code() if kind == "app" else app.recovery_codes[0]
    headers = buyer.headers | {"X-Two-Factor-Code": code}

    def buy(_: int) -> TestResponse:
        body = {"productId": str(product_id), "paymentMethod": "WALLET"}
        return committing.test_client().post("/api/v1/orders", json=body, headers=headers)

    answers = all_at_once(buy, range(8))

    assert outcomes(answers) == {(201, None): 1, REFUSED: 7}
    assert broken_invariants() == []
