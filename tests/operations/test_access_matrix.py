"""Every route gives every kind of caller the status of the access matrix."""

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
    TOKEN_REQUIRED,
    Route,
    operations_of,
    routes_of,
)
from tests.operations.sample_requests import BODIES, OTHER_BODIES, QUERIES, SampleData

CODE = "X-Two-Factor-Code"


@pytest.mark.parametrize("route", EXPECTED, ids=" ".join)
def test_each_caller_gets_the_status_of_the_matrix(
    client: FlaskClient, data: SampleData, route: Route
) -> None:
    assert {caller: data.call(client, route, caller) for caller in CALLERS} == EXPECTED[route]


def test_the_matrix_has_exactly_the_routes_of_the_application(app: Flask) -> None:
    assert set(routes_of(app)) == set(EXPECTED)


def test_every_sample_request_belongs_to_a_row() -> None:
    assert set(BODIES) | set(QUERIES) | set(OTHER_BODIES) <= set(EXPECTED)


def test_the_openapi_document_has_exactly_the_routes_of_the_api(app: Flask) -> None:
    assert set(operations_of(app)) == {route for route in EXPECTED if "/api/v1/" in route[1]}


def test_exactly_the_routes_that_require_a_token_are_documented_so(app: Flask) -> None:
    secured = {
        route for route, operation in operations_of(app).items() if operation.get("security")
    }
    assert secured == set(TOKEN_REQUIRED)


@pytest.mark.parametrize("route", TOKEN_REQUIRED, ids=" ".join)
def test_without_a_valid_token_the_request_is_refused(client: FlaskClient, route: Route) -> None:
    method, path = route
    admin = factories.admin()
    url = re.sub(r"{\w+}", str(admin.id), path.replace("{number}", "1"))
    for header in ("", "Bearer", "Bearer nonsense", admin.token, f"Basic {admin.token}"):
        answer = client.open(url, method=method, headers={"Authorization": header})
        assert (answer.status_code, answer.json["error"]) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_roles_declared_by_views_are_those_of_the_matrix(app: Flask) -> None:
    declared = {
        route: set(getattr(app.view_functions[endpoint], "required_roles", ()))
        for route, endpoint in routes_of(app).items()
    }
    assert declared == {
        route: {ROLES[caller] for caller in ROLES if row[caller] != 403}
        if route in TOKEN_REQUIRED
        else set()
        for route, row in EXPECTED.items()
    }


def test_the_openapi_document_names_the_roles_declared_by_views(app: Flask) -> None:
    endpoints = routes_of(app)
    for route, operation in operations_of(app).items():
        declared = getattr(app.view_functions[endpoints[route]], "required_roles", ())
        assert set(operation.get("x-required-roles", declared and Role)) == set(declared), route


def test_a_malformed_two_factor_code_is_refused_also_where_none_is_needed(
    app: Flask, client: FlaskClient, data: SampleData
) -> None:
    taking = [
        route
        for route, operation in operations_of(app).items()
        if any(each.get("name") == CODE for each in operation.get("parameters", ()))
    ]
    assert taking
    for route in taking:
        caller = next((each for each, code in EXPECTED[route].items() if code < 300), None)
        if caller is None:  # such as a withdrawal to a bank, which needs a code of the moment
            continue
        with data.send(client, route, caller, **{CODE: "("}) as answer:
            assert (route, answer.status_code) == (route, 400)
            assert list(answer.json["details"]) == [CODE]
