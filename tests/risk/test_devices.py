"""A device is known by the cookie of its sign-ins, whatever it calls itself."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.models import Role
from app.common.db import transaction
from tests import factories
from tests.auth.helpers import login
from tests.factories import Actor
from tests.risk.helpers import condition, rule

LISTS = "/api/v1/admin/risk/lists"
FIREFOX = {"HTTP_USER_AGENT": "Firefox"}
CHROME = {"HTTP_USER_AGENT": "Chrome"}


@pytest.fixture
def payer(app: Flask) -> Actor:
    """Cannot pay from a new device."""
    rule(condition("newDevice", "=", True))
    return factories.buyer("100.00")


def make_old() -> None:
    """Let all sessions have begun two days ago."""
    earlier = "UPDATE login_sessions SET created_at = created_at - interval '2 days'"
    with transaction() as session:
        factories.as_owner(session, earlier)


def paid_by(browser: FlaskClient, payer: Actor) -> int:
    """The status of a payment after signing in with this browser."""
    answer = login(browser, email=payer.email)
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json['accessToken']}"}
    body = {"recipient": {"userId": str(factories.actor().id)}, "amount": "1.00"}
    return browser.post("/api/v1/transfers", json=body, headers=headers).status_code


def test_an_address_is_known_with_its_network(app: Flask) -> None:
    """A host with IPv6 has another address every day."""
    rule(condition("newAddress", "=", True))
    payer, browser = factories.buyer("100.00"), app.test_client()

    def paid_from(address: str) -> int:
        browser.environ_base |= {"REMOTE_ADDR": address}
        return paid_by(browser, payer)

    assert [paid_from(address) for address in ("2001:db8::1", "198.51.100.7")] == [403, 403]
    make_old()
    assert paid_from("2001:db8::aaaa:1") == 201
    assert paid_from("::ffff:198.51.100.7") == 201
    assert paid_from("2001:db8:0:1::1") == 403
    assert paid_from("198.51.100.8") == 403


def test_a_device_that_signed_in_a_day_ago_is_known(app: Flask, payer: Actor) -> None:
    browser, other = app.test_client(), app.test_client()
    browser.environ_base |= FIREFOX
    other.environ_base |= FIREFOX
    assert paid_by(browser, payer) == 403
    make_old()
    assert paid_by(browser, payer) == 201
    browser.environ_base |= CHROME  # as after an update
    assert paid_by(browser, payer) == 201
    assert paid_by(other, payer) == 403


def test_an_api_key_is_a_device_of_its_own(client: FlaskClient, payer: Actor) -> None:
    seller = factories.actor(Role.MERCHANT, balance="10.00")
    key = factories.api_key(seller)
    body = {"recipient": {"userId": str(payer.id)}, "amount": "1.00"}

    def pay() -> int:
        return client.post("/api/v1/transfers", json=body, headers=key.headers).status_code

    assert pay() == 403
    make_old()
    assert pay() == 201


def test_a_device_is_listed_by_the_id_that_administrators_see(app: Flask, payer: Actor) -> None:
    admin, browser, other = factories.admin(), app.test_client(), app.test_client()
    paid_by(browser, payer)
    make_old()
    client = app.test_client()
    found = client.get(f"/api/v1/admin/users/{payer.id}/sessions", headers=admin.headers).json
    (device,) = {one["deviceId"] for one in found["data"] if one["deviceId"] is not None}
    body = {"list": "BLOCK", "kind": "DEVICE", "value": device, "reason": "Stolen"}
    assert client.post(LISTS, json=body, headers=admin.headers).status_code == 201
    assert paid_by(browser, payer) == 403
    paid_by(other, payer)
    make_old()
    assert paid_by(other, payer) == 201
