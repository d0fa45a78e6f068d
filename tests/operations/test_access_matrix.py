"""Who may do what: every route for every kind of caller, as `access_matrix` has it."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.models import Role
from tests import factories
from tests.operations.access_matrix import (
    CALLERS,
    EXPECTED,
    ROLES,
    TOKEN_NEEDED,
    Route,
    operations_of,
    routes_of,
)
from tests.operations.sample_requests import BODIES, OTHERWISE, QUERIES, World


@pytest.mark.parametrize("route", EXPECTED, ids=" ".join)
def test_each_caller_gets_the_status_of_the_table(
    client: FlaskClient, world: World, route: Route
) -> None:
    assert {caller: world.call(client, route, caller) for caller in CALLERS} == EXPECTED[route]


def test_the_table_has_exactly_the_routes_there_are(app: Flask) -> None:
    assert set(routes_of(app)) == set(EXPECTED)


def test_every_body_and_query_belongs_to_a_row() -> None:
    assert set(BODIES) | set(QUERIES) | set(OTHERWISE) <= set(EXPECTED)


def test_the_document_has_exactly_the_routes_of_the_api(app: Flask) -> None:
    assert set(operations_of(app)) == {route for route in EXPECTED if "/api/v1/" in route[1]}


def test_exactly_the_routes_that_need_a_token_are_documented_so(app: Flask) -> None:
    secured = {
        route for route, operation in operations_of(app).items() if operation.get("security")
    }
    assert secured == set(TOKEN_NEEDED)


@pytest.mark.parametrize("route", TOKEN_NEEDED, ids=" ".join)
def test_nothing_but_a_valid_token_opens_what_needs_one(client: FlaskClient, route: Route) -> None:
    method, path = route
    somebody = factories.admin()
    url = re.sub(r"{\w+}", str(somebody.id), path)
    for header in ("", "Bearer", "Bearer nonsense", somebody.token, f"Basic {somebody.token}"):
        answer = client.open(url, method=method, headers={"Authorization": header})
        assert (answer.status_code, answer.json["error"]) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_roles_that_views_declare_are_those_of_the_table(app: Flask) -> None:
    declared = {
        route: set(getattr(app.view_functions[endpoint], "required_roles", ()))
        for route, endpoint in routes_of(app).items()
    }
    assert declared == {
        route: {ROLES[caller] for caller in ROLES if row[caller] != 403}
        if route in TOKEN_NEEDED
        else set()
        for route, row in EXPECTED.items()
    }


def test_the_document_names_the_roles_that_views_declare(app: Flask) -> None:
    endpoints = routes_of(app)
    for route, operation in operations_of(app).items():
        declared = getattr(app.view_functions[endpoints[route]], "required_roles", ())
        assert set(operation.get("x-required-roles", declared and Role)) == set(declared), route
