"""Who in which state may still do what: every operation of the OpenAPI document.

A caller who is deactivated, whose session has ended or whose API key was revoked may do nothing
that needs a sign-in. A caller whose wallet is locked may do everything that moves no money.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.auth import login_sessions
from app.auth import service as auth
from app.auth.models import LoginSession
from app.common import clock, db
from app.wallets import service as wallets
from tests import factories
from tests.factories import Actor
from tests.operations.access_matrix import (
    CALLERS,
    EXPECTED,
    ROLES,
    TOKEN_REQUIRED,
    Route,
    operations_of,
)
from tests.operations.sample_requests import SampleData
from tests.operations.test_key_matrix import ACCEPTS_KEYS, call_with
from tests.savepoints import rolled_back_savepoint

SIGNED_IN = tuple(caller for caller in CALLERS if caller != "anonymous")


def deactivate(actor: Actor) -> None:
    with db.transaction() as session:
        auth.set_active(session, actor_id=None, user_id=actor.id, active=False, reason="On request")


def lock(actor: Actor) -> None:
    with db.transaction() as session:
        wallet_id = factories.wallet(session, actor.id).id
        wallets.set_locked(
            session, actor_id=None, wallet_id=wallet_id, locked=True, reason="On request"
        )


def sign_out(actor: Actor) -> None:
    with db.transaction() as session:
        login_sessions.revoke_session(session, user_id=actor.id, session_id=actor.session_id)


def let_expire(actor: Actor) -> None:
    with db.transaction() as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.id == actor.session_id)
            .values(expires_at=clock.now() - timedelta(seconds=1))
        )


#: The operations that a locked wallet of the caller refuses, with 403, and to whom.
MOVES_MONEY = """
POST /api/v1/wallet/deposit                               user merchant admin buyer seller
POST /api/v1/wallet/withdraw                              user merchant admin buyer seller
POST /api/v1/wallet/holds                                 user merchant admin buyer seller
POST /api/v1/wallet/holds/{hold_id}/capture               seller
POST /api/v1/wallet/payouts                               buyer
POST /api/v1/orders                                       user merchant admin buyer
POST /api/v1/orders/{order_id}/refunds                    seller
POST /api/v1/refund-requests/{refund_request_id}/approve  seller
POST /api/v1/transfers                                    user merchant admin buyer seller
POST /api/v1/payment-requests/{payment_request_id}/pay    buyer
POST /api/v1/merchant-codes/{merchant_code_token}/pay     user merchant admin buyer
POST /api/v1/onramp                                       user merchant admin buyer seller
"""
REFUSED_WHEN_LOCKED: dict[Route, tuple[str, ...]] = {
    (method, path): tuple(callers)
    for method, path, *callers in (line.split() for line in MOVES_MONEY.strip().splitlines())
}


def expected_without_session(route: Route, caller: str) -> int:
    """401 where a sign-in is needed. Roles are read from the token, before the session."""
    if route not in TOKEN_REQUIRED:
        return EXPECTED[route][caller]
    of_this_role = {EXPECTED[route][other] for other in ROLES if ROLES[other] == ROLES[caller]}
    return 403 if of_this_role == {403} else 401


def statuses(client: FlaskClient, data: SampleData, caller: str) -> dict[Route, int]:
    """The status of every operation of the document for this caller."""
    found = {}
    for route in operations_of(client.application):
        with rolled_back_savepoint():
            found[route] = data.call(client, route, caller)
    return found


@pytest.mark.parametrize("caller", SIGNED_IN)
@pytest.mark.parametrize("end", [deactivate, sign_out, let_expire])
def test_without_a_valid_session_nothing_that_needs_a_sign_in_is_possible(
    client: FlaskClient, data: SampleData, end: Callable[[Actor], None], caller: str
) -> None:
    end(data.actors[caller])
    found = statuses(client, data, caller)
    expected = {route: expected_without_session(route, caller) for route in found}
    if (end, caller) == (deactivate, "seller"):  # whose code it is
        expected["GET", "/api/v1/merchant-codes/by-token/{merchant_code_token}"] = 404
    assert found == expected


@pytest.mark.parametrize("end", ["revoked", "expired", "owner deactivated"])
def test_without_a_valid_key_nothing_that_accepts_keys_is_possible(
    client: FlaskClient, data: SampleData, end: str
) -> None:
    seller = data.actors["seller"]
    expiry = clock.now() + timedelta(days=1) if end == "expired" else None
    key = factories.api_key(seller, expires_at=expiry)
    if end == "revoked":
        client.delete(f"/api/v1/auth/api-keys/{key.id}", headers=seller.headers)
    elif end == "expired":
        let_expire(Actor(seller.id, seller.email, key.id, key.text))
    else:
        deactivate(seller)
    found = {}
    for route in ACCEPTS_KEYS:
        with rolled_back_savepoint():
            found[route] = call_with(client, data, route, key, caller="seller")
    assert found == dict.fromkeys(ACCEPTS_KEYS, 401)


@pytest.mark.parametrize("caller", SIGNED_IN)
def test_with_a_locked_wallet_everything_is_possible_that_moves_no_money(
    client: FlaskClient, data: SampleData, caller: str
) -> None:
    actor = data.actors[caller]
    lock(actor)
    before = _balance(actor)
    found, moving = {}, []
    for route in operations_of(client.application):
        with rolled_back_savepoint():
            found[route] = data.call(client, route, caller)
            if _balance(actor) != before:
                moving.append(route)
    assert moving == []
    assert found == {
        route: 403 if caller in REFUSED_WHEN_LOCKED.get(route, ()) else EXPECTED[route][caller]
        for route in found
    }


def _balance(actor: Actor) -> int:
    with db.transaction() as session:
        return factories.wallet(session, actor.id).balance


#: What others may still do with a merchant: the status while the merchant is active, is
#: deactivated, or has a locked wallet.
OTHERS = """
                                                        active deactivated locked
POST /api/v1/orders                                        201         400    403
POST /api/v1/merchant-codes/{merchant_code_token}/pay      201         404    409
POST /api/v1/payment-requests/{payment_request_id}/pay     201         404    409
GET  /api/v1/merchant-codes/by-token/{merchant_code_token} 200         404    200
GET  /pay/{token}                                          200         200    200
GET  /api/v1/products/{product_id}                         200         200    200
GET  /api/v1/orders/{order_id}                             200         200    200
GET  /api/v1/orders/{order_id}/delivery                    200         200    200
GET  /api/v1/orders/{order_id}/page                        200         200    200
POST /api/v1/orders/{order_id}/page/revoke                 200         200    200
GET  /api/v1/orders/{order_id}/refunds                     200         200    200
POST /api/v1/orders/{order_id}/refund-requests             201         201    201
POST /api/v1/refund-requests/{refund_request_id}/withdraw  200         200    200
GET  /api/v1/transfers/{transfer_id}                       200         200    200
GET  /api/v1/transfers/{transfer_id}/receipt               200         200    200
POST /api/v1/transfers/{transfer_id}/receipt/revoke        200         200    200
GET  /api/v1/wallet/holds/{hold_id}                        200         200    200
"""
_HEAD, *_ROWS = (line.split() for line in OTHERS.strip().splitlines())
STATES: dict[str, Callable[[Actor], object]] = {
    "active": lambda _: None,
    "deactivated": deactivate,
    "locked": lock,
}


@pytest.mark.parametrize("state", STATES)
def test_what_a_buyer_may_do_with_a_merchant_in_each_state(
    client: FlaskClient, data: SampleData, state: str
) -> None:
    STATES[state](data.actors["seller"])
    expected = {
        (method, path): dict(zip(_HEAD, map(int, row), strict=True))[state]
        for method, path, *row in _ROWS
    }
    found = {}
    for route in expected:
        with rolled_back_savepoint():
            found[route] = data.call(client, route, "buyer")
    assert found == expected


def test_the_table_has_every_operation_of_a_buyer_on_records_of_the_seller(app: Flask) -> None:
    """Every operation whose path names such a record and that the buyer may call."""
    records = ("{product_id}", "{order_id}", "{refund_request_id}", "{merchant_code_token}")
    others = {
        # The buyer's own, whatever the state of the merchant.
        ("POST", "/api/v1/orders/{order_id}/cancel"),
    }
    found = {
        route
        for route in operations_of(app)
        if any(name in route[1] for name in records) and EXPECTED[route]["buyer"] < 300
    }
    assert found - others <= {(method, path) for method, path, *_ in _ROWS}
