"""What the fields of rules are, of a payment that is made through HTTP."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from app.common import db
from app.common.db import transaction
from app.risk.conditions import FIELDS, OPERATORS, Type, Window
from tests import factories
from tests.coupons.helpers import create_coupon
from tests.factories import Actor
from tests.orders.helpers import buy
from tests.payment_requests.helpers import created_code, pay_code
from tests.risk.helpers import condition, decisions, inputs_of, rule
from tests.transfers.helpers import send

#: Fourteen hours ahead: never the same hour as in UTC.
ZONE = "Pacific/Kiritimati"


@pytest.fixture(autouse=True)
def _read_everything(client: FlaskClient, change_settings: Callable[..., None]) -> None:
    """Rules in shadow that read every field but models, which have tests of their own."""
    change_settings(risk_country_header="X-Country", trusted_proxies=1)
    samples = {Type.AMOUNT: "1", Type.NUMBER: 1, Type.FLAG: True, Type.TEXT: "DE"}
    for name, field in FIELDS.items():
        if field.needs_model:
            continue
        value = field.values[0] if field.values else samples[field.type]
        if name == "merchant":
            value = str(factories.merchant().id)
        operator = "=" if field.type is Type.TEXT else OPERATORS[field.type][-1]
        for window in Window if field.needs_window else (None,):
            key = f"{name}-{window}".lower()
            rule(condition(name, operator, value, window), key=key, shadow=True)


def payer_with(**columns: Any) -> Actor:
    """A payer with 100.00 and other columns."""
    payer = factories.buyer("100.00")
    with transaction() as session:
        for name, value in columns.items():
            factories.as_owner(
                session, f"UPDATE users SET {name} = {value} WHERE id = '{payer.id}'"
            )
    return payer


def inputs(payer: Actor) -> dict[str, Any]:
    """What the rules have read about the newest payment; windows as {name: [minute, … month]}."""
    (*_, newest) = decisions(payer.id)
    stored = inputs_of(newest)
    found = {name: value for name, value in stored.items() if "." not in name}
    for name, field in FIELDS.items():
        if field.needs_window:
            found[name] = [stored[f"{name}.{window}"] for window in Window]
    return found


def test_those_of_a_purchase(client: FlaskClient) -> None:
    payer = payer_with(time_zone=f"'{ZONE}'", created_at="now() - interval '49 hours 10 minutes'")
    seller = factories.merchant()
    product_id = factories.product(seller, price="20.00")
    create_coupon(client, seller)

    answer = client.post(
        "/api/v1/orders",
        json={"productId": str(product_id), "paymentMethod": "WALLET", "couponCode": "SPRING"},
        headers=payer.headers | {"X-Country": "de"},
    )

    assert answer.status_code == 201, answer.text
    (decision,) = decisions(payer.id)
    assert "skipped" not in decision.reasons
    found = inputs(payer)
    assert found.pop("parameters")
    assert found == {
        "amount": 1500,
        "currency": "USD",
        "type": "PURCHASE",
        "count": [1] * 4,
        "sum": [1500] * 4,
        "receivers": [1] * 4,
        "refused": [0] * 4,
        "refusedAtAddress": found["refusedAtAddress"],
        "share": 15,
        "accountAge": 49,
        "newDevice": True,
        "newAddress": True,
        "country": "DE",
        "hour": decision.created_at.astimezone(ZoneInfo(ZONE)).hour,
        "merchant": str(seller.id),
        "productKind": "PLAIN",
        "coupon": True,
        "list": None,
    }


def test_those_of_a_transfer(client: FlaskClient) -> None:
    payer = payer_with()
    assert send(client, payer, factories.actor(), "40.00").status_code == 201
    found = inputs(payer)
    assert (found["type"], found["share"], found["accountAge"]) == ("TRANSFER", 40, 0)
    assert (found["merchant"], found["productKind"], found["coupon"]) == (None, None, False)
    assert found["country"] is None


def test_windows_have_the_payments_of_their_length(client: FlaskClient) -> None:
    payer, payee = payer_with(), factories.actor()
    ages = (timedelta(minutes=2), timedelta(hours=2), timedelta(days=2), timedelta(days=32))
    for age in (*reversed(ages), timedelta(0)):
        send(client, payer, factories.actor(), "1.00")
        send(client, payer, payee, "500.00")  # is refused
        with db.transaction() as session:
            factories.as_owner(
                session,
                "UPDATE risk_decisions SET created_at = created_at - interval"
                f" '{age.total_seconds()} seconds' WHERE created_at > now() - interval '1 minute'",
            )

    assert send(client, payer, payee, "3.00").status_code == 201

    found = inputs(payer)
    assert found["count"] == [2, 3, 4, 5]
    assert found["sum"] == [400, 500, 600, 700]
    assert found["receivers"] == [2, 3, 4, 5]
    assert found["refused"] == [1, 2, 3, 4]


def test_a_code_at_the_till_is_a_payment_to_its_merchant(client: FlaskClient) -> None:
    payer, seller = payer_with(), factories.merchant()
    pay_code(client, payer, created_code(client, seller), json={"amount": "5.00"})
    found = inputs(payer)
    assert (found["type"], found["merchant"]) == ("MERCHANT_CODE", str(seller.id))

    product_id = factories.product(seller, price="5.00")
    pay_code(client, payer, created_code(client, seller, productId=str(product_id)))
    found = inputs(payer)
    assert (found["type"], found["merchant"]) == ("PURCHASE", str(seller.id))


def test_a_country_that_no_proxy_tells_is_unknown(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(risk_country_header="X-Country", trusted_proxies=0)
    payer = payer_with()
    buy(client, payer, factories.product(factories.merchant(), price="1.00"))
    client.environ_base |= {"HTTP_X_COUNTRY": "US"}
    send(client, payer, factories.actor(), "1.00")
    assert inputs(payer)["country"] is None
