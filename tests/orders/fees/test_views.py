"""The platform fee of a merchant, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.concurrency import broken_invariants
from tests.orders.helpers import balance, buy
from tests.responses import refusal


def test_a_merchant_s_own_fee_replaces_the_default(
    client: FlaskClient, change_settings: Any
) -> None:
    change_settings(platform_fee_bps=250)
    default, special = factories.merchant(), factories.merchant()
    admin = factories.admin()
    path = f"/api/v1/admin/merchants/{special.id}/fee"

    answer = client.put(path, json={"bps": 1000}, headers=admin.headers)

    assert answer.status_code == 200
    assert answer.json == {"merchantId": str(special.id), "bps": 1000, "own": True}
    for seller, earned in ((default, "9.75"), (special, "9.00")):
        buy(client, factories.buyer(), factories.product(seller, price="10.00"))
        assert balance(client, seller) == earned
    back = client.delete(path, headers=admin.headers)
    assert back.json == {"merchantId": str(special.id), "bps": 250, "own": False}
    assert client.get(path, headers=admin.headers).json == back.json
    assert broken_invariants() == []


@pytest.mark.parametrize("bps", [-1, 10_001, "250", 2.5, None])
def test_a_fee_that_is_not_an_integer_of_basis_points_is_refused(
    client: FlaskClient, bps: Any
) -> None:
    path = f"/api/v1/admin/merchants/{factories.merchant().id}/fee"
    answer = client.put(path, json={"bps": bps}, headers=factories.admin().headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_only_admins_can_set_fees_and_only_of_merchants(client: FlaskClient) -> None:
    path = f"/api/v1/admin/merchants/{factories.buyer().id}/fee"
    for call in (client.get, client.delete):
        answer = call(path, headers=factories.admin().headers)
        assert refusal(answer) == (404, "USER_NOT_FOUND")
        assert refusal(call(path, headers=factories.merchant().headers)) == (
            403,
            "FORBIDDEN",
        )
