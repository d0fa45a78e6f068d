"""What API keys may do: every route, against the tables of docs/api.md."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.scopes import EXPLAINED, MONEY_LEAVES, Scope
from app.common import db
from app.common.settings import PROJECT_ROOT
from app.docs import reference
from tests import factories
from tests.factories import Actor, Key
from tests.operations.access_matrix import EXPECTED, TOKEN_NEEDED, Route, operations_of, routes_of
from tests.operations.sample_requests import World
from tests.undo import undone

PAGE = (PROJECT_ROOT / "docs" / "api-keys.md").read_text()

#: endpoint → its scope, "never" or "open", as the reference says.
TABLE: dict[Route, str] = {
    (method, f"/api/v1{path}"): "open" if decision == "–" else decision.strip("`")
    for method, path, decision in re.findall(
        r"^\| ([A-Z]+) \| `(/\S*)` \| `\w+` \| [^|]+ \| (\S+) \|",
        reference.PAGE.read_text(),
        re.MULTILINE,
    )
}
TAKES_KEYS = sorted(route for route, decision in TABLE.items() if ":" in decision)


def declared(app: Flask) -> dict[Route, str]:
    """Route of the API → what its view says, in the words of the table."""
    decisions = {}
    for route, endpoint in routes_of(app).items():
        if route[1].startswith("/api/v1/"):
            view = app.view_functions[endpoint]
            scope = getattr(view, "required_scope", None)
            decisions[route] = scope or ("never" if hasattr(view, "required_roles") else "open")
    return decisions


def test_the_page_decides_on_every_endpoint_as_the_application_does(app: Flask) -> None:
    """A new endpoint has a row in docs/api.md: its scope, "never", or – where it is open."""
    assert declared(app) == TABLE


def test_what_is_open_needs_no_token_either() -> None:
    needs_sign_in = {route for route, decision in TABLE.items() if decision != "open"}
    assert needs_sign_in == set(TOKEN_NEEDED)


def test_the_page_explains_every_scope_and_where_money_leaves() -> None:
    explained = dict(re.findall(r"^\| `([a-z_]+:[a-z]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert explained == {scope: EXPLAINED[scope] for scope in Scope}


def test_what_is_an_account_s_own_business_takes_no_keys() -> None:
    for (method, path), decision in TABLE.items():
        if path.startswith(("/api/v1/auth/", "/api/v1/admin/")):
            assert decision in ("never", "open"), (method, path)


def test_the_document_lists_keys_exactly_where_they_are_taken(app: Flask) -> None:
    documented = {
        route: operation["x-required-scope"]
        for route, operation in operations_of(app).items()
        if {"apiKeyAuth": []} in operation.get("security", ())
    }
    assert documented == {route: TABLE[route] for route in TAKES_KEYS}


def test_what_asks_for_a_code_takes_a_scope_that_says_that_money_leaves(app: Flask) -> None:
    asking = {
        route
        for route, operation in operations_of(app).items()
        if any(p["name"] == "X-Two-Factor-Code" for p in operation.get("parameters", ()))
    }
    assert ("POST", "/api/v1/wallet/withdraw") in asking
    assert {route: TABLE[route] for route in asking if TABLE[route] not in MONEY_LEAVES} == {}


def call_with(client: FlaskClient, world: World, route: Route, key: Key, *, caller: str) -> int:
    """Call the route with a key in place of the caller's token, and return the status."""
    actor = world.actors[caller]
    world.actors[caller] = Actor(actor.id, actor.email, actor.session_id, key.text)
    try:
        return world.call(client, route, caller)
    finally:
        world.actors[caller] = actor


@pytest.mark.parametrize("owner", ["seller", "merchant"])
def test_a_key_with_the_one_scope_gets_what_its_merchant_gets(
    client: FlaskClient, world: World, owner: str
) -> None:
    keys = {scope: factories.api_key(world.actors[owner], scope) for scope in Scope}
    got = {}
    for route in TAKES_KEYS:
        with undone():
            key = keys[Scope(TABLE[route])]
            got[route] = call_with(client, world, route, key, caller=owner)
    assert got == {route: EXPECTED[route][owner] for route in TAKES_KEYS}


def test_a_key_with_every_other_scope_is_refused(client: FlaskClient, world: World) -> None:
    keys = {
        scope: factories.api_key(world.actors["seller"], *(set(Scope) - {scope})) for scope in Scope
    }
    got = {
        route: call_with(client, world, route, keys[Scope(TABLE[route])], caller="seller")
        for route in TAKES_KEYS
    }
    assert got == dict.fromkeys(TAKES_KEYS, 403)


@pytest.mark.parametrize("owner", ["seller", "merchant"])
def test_without_a_scope_that_says_so_no_money_leaves_the_wallet(
    client: FlaskClient, world: World, owner: str
) -> None:
    merchant = world.actors[owner]
    key = factories.api_key(merchant, *(set(Scope) - MONEY_LEAVES))
    before = available(merchant)
    assert before > 0
    for route in TAKES_KEYS:
        with undone():
            call_with(client, world, route, key, caller=owner)
            assert (route, available(merchant) >= before) == (route, True)


def available(merchant: Actor) -> int:
    """What the merchant can spend, in cents."""
    with db.transaction() as session:
        wallet = factories.wallet(session, merchant.id)
        return wallet.balance - wallet.held


def test_a_key_with_every_scope_opens_nothing_that_is_never_for_keys(
    client: FlaskClient, world: World
) -> None:
    key = factories.api_key(world.actors["seller"])
    never = [route for route, decision in TABLE.items() if decision == "never"]
    for method, path in never:
        answer = client.open(path.format(**world.names), method=method, headers=key.headers)
        assert (method, path, answer.json["error"]) == (method, path, "KEY_NOT_ALLOWED")
        assert answer.status_code == 403


def test_a_revoked_key_opens_nothing(client: FlaskClient, world: World) -> None:
    seller = world.actors["seller"]
    key = factories.api_key(seller)
    client.delete(f"/api/v1/auth/api-keys/{key.id}", headers=seller.headers)
    for method, path in TOKEN_NEEDED:
        answer = client.open(path.format(**world.names), method=method, headers=key.headers)
        assert (method, path, answer.status_code) == (method, path, 401)
        assert answer.json["error"] == "UNAUTHORIZED"
