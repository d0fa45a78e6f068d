"""The scopes that routes require of API keys, compared with the tables of docs/api.md."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.scopes import DESCRIPTIONS, SPENDING, Scope
from app.common import db
from app.common.settings import PROJECT_ROOT
from app.docs import reference
from tests import factories
from tests.factories import Actor, Key
from tests.operations.access_matrix import EXPECTED, TOKEN_REQUIRED, Route, operations_of, routes_of
from tests.operations.sample_requests import SampleData
from tests.savepoints import rolled_back_savepoint

PAGE = (PROJECT_ROOT / "docs" / "api-keys.md").read_text()

#: The scope of each route, "never" or "open", as documented.
TABLE: dict[Route, str] = {
    (method, f"/api/v1{path}"): "open" if decision == "–" else decision.strip("`")
    for method, path, decision in re.findall(
        r"^\| ([A-Z]+) \| `(/\S*)` \| `\w+` \| [^|]+ \| (\S+) \|",
        reference.PAGE.read_text(),
        re.MULTILINE,
    )
}
ACCEPTS_KEYS = sorted(route for route, decision in TABLE.items() if ":" in decision)


def declared(app: Flask) -> dict[Route, str]:
    """The scope of each route as declared by its view, in the terms of the table."""
    decisions = {}
    for route, endpoint in routes_of(app).items():
        if route[1].startswith("/api/v1/"):
            view = app.view_functions[endpoint]
            scope = getattr(view, "required_scope", None)
            decisions[route] = scope or ("never" if hasattr(view, "required_roles") else "open")
    return decisions


def test_the_documented_scope_of_every_endpoint_is_the_declared_one(app: Flask) -> None:
    """A new endpoint has a row in docs/api.md: its scope, "never", or – where it is open."""
    assert declared(app) == TABLE


def test_open_endpoints_require_no_token() -> None:
    requires_token = {route for route, decision in TABLE.items() if decision != "open"}
    assert requires_token == set(TOKEN_REQUIRED)


def test_the_page_explains_every_scope() -> None:
    explained = dict(re.findall(r"^\| `([a-z_]+:[a-z]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert explained == {scope: DESCRIPTIONS[scope] for scope in Scope}


#: Words of names of operations that are about the form of a resource.
FORMS = {"My", "Summary", "Printable", "Png", "Svg"}


def test_the_description_of_a_scope_names_everything_that_it_allows(app: Flask) -> None:
    """The nouns in the names of its operations."""
    unnamed = {
        (operation["operationId"], scope, noun)
        for operation in operations_of(app).values()
        if (scope := operation.get("x-required-scope"))
        for noun in set(re.findall("[A-Z][a-z]+", operation["operationId"])) - FORMS
        if noun.lower().rstrip("s") not in DESCRIPTIONS[Scope(scope)].lower().replace("-", "")
    }
    assert unnamed == set()


def test_every_scope_allows_something(app: Flask) -> None:
    required = {operation.get("x-required-scope") for operation in operations_of(app).values()}
    assert required - {None} == set(Scope)


def test_endpoints_of_accounts_and_administration_accept_no_keys() -> None:
    for (method, path), decision in TABLE.items():
        if path.startswith(("/api/v1/auth/", "/api/v1/admin/")):
            assert decision in ("never", "open"), (method, path)


def test_the_openapi_document_lists_keys_exactly_where_they_are_accepted(app: Flask) -> None:
    documented = {
        route: operation["x-required-scope"]
        for route, operation in operations_of(app).items()
        if {"apiKeyAuth": []} in operation.get("security", ())
    }
    assert documented == {route: TABLE[route] for route in ACCEPTS_KEYS}


def test_endpoints_with_a_two_factor_code_require_a_scope_for_outgoing_money(app: Flask) -> None:
    with_code = {
        route
        for route, operation in operations_of(app).items()
        if any(p["name"] == "X-Two-Factor-Code" for p in operation.get("parameters", ()))
    }
    assert ("POST", "/api/v1/wallet/withdraw") in with_code
    # Administrators need a code too, and no key is accepted there.
    allowed = {*SPENDING, "never"}
    assert {route: TABLE[route] for route in with_code if TABLE[route] not in allowed} == {}


def call_with(client: FlaskClient, data: SampleData, route: Route, key: Key, *, caller: str) -> int:
    """The status of a request with a key in place of the token of the caller."""
    actor = data.actors[caller]
    data.actors[caller] = Actor(actor.id, actor.email, actor.session_id, key.text)
    try:
        return data.call(client, route, caller)
    finally:
        data.actors[caller] = actor


@pytest.mark.parametrize("owner", ["seller", "merchant"])
def test_a_key_with_the_required_scope_gets_the_status_of_its_merchant(
    client: FlaskClient, data: SampleData, owner: str
) -> None:
    keys = {scope: factories.api_key(data.actors[owner], scope) for scope in Scope}
    got = {}
    for route in ACCEPTS_KEYS:
        with rolled_back_savepoint():
            key = keys[Scope(TABLE[route])]
            got[route] = call_with(client, data, route, key, caller=owner)
    assert got == {route: EXPECTED[route][owner] for route in ACCEPTS_KEYS}


def test_a_key_with_every_other_scope_is_refused(client: FlaskClient, data: SampleData) -> None:
    keys = {
        scope: factories.api_key(data.actors["seller"], *(set(Scope) - {scope})) for scope in Scope
    }
    got = {
        route: call_with(client, data, route, keys[Scope(TABLE[route])], caller="seller")
        for route in ACCEPTS_KEYS
    }
    assert got == dict.fromkeys(ACCEPTS_KEYS, 403)


@pytest.mark.parametrize("owner", ["seller", "merchant"])
def test_without_a_scope_for_outgoing_money_no_balance_decreases(
    client: FlaskClient, data: SampleData, owner: str
) -> None:
    merchant = data.actors[owner]
    key = factories.api_key(merchant, *(set(Scope) - SPENDING))
    before = available(merchant)
    assert before > 0
    for route in ACCEPTS_KEYS:
        with rolled_back_savepoint():
            call_with(client, data, route, key, caller=owner)
            assert (route, available(merchant) >= before) == (route, True)


def available(merchant: Actor) -> int:
    """The available balance of the merchant, in cents."""
    with db.transaction() as session:
        wallet = factories.wallet(session, merchant.id)
        return wallet.balance - wallet.held


def test_endpoints_that_accept_no_keys_refuse_a_key_with_every_scope(
    client: FlaskClient, data: SampleData
) -> None:
    key = factories.api_key(data.actors["seller"])
    never = [route for route, decision in TABLE.items() if decision == "never"]
    for method, path in never:
        answer = client.open(path.format(**data.names), method=method, headers=key.headers)
        assert (method, path, answer.json["error"]) == (method, path, "KEY_NOT_ALLOWED")
        assert answer.status_code == 403


def test_a_revoked_key_is_refused_everywhere(client: FlaskClient, data: SampleData) -> None:
    seller = data.actors["seller"]
    key = factories.api_key(seller)
    client.delete(f"/api/v1/auth/api-keys/{key.id}", headers=seller.headers)
    for method, path in TOKEN_REQUIRED:
        answer = client.open(path.format(**data.names), method=method, headers=key.headers)
        assert (method, path, answer.status_code) == (method, path, 401)
        assert answer.json["error"] == "UNAUTHORIZED"
