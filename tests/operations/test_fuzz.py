"""schemathesis over the whole OpenAPI document: every response is a documented one.

Checks every response: no server error, a documented status with the documented body, headers and
content type, 405 with Allow for other methods, 401 without a token, and no acceptance of requests
that the document forbids.
"""

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from app.common.text import visible_text
from app.gateway.provider_config import GatewayConfig
from tests.gateway.conftest import use
from tests.operations.access_matrix import CALLERS, EXPECTED, Route
from tests.operations.sample_requests import SampleData
from tests.savepoints import rolled_back_savepoint
from tests.stripe import SECRET_KEY, WEBHOOK_SECRET, SandboxGateway, Shop

ROUTES = [route for route in EXPECTED if "/api/v1/" in route[1]]
EXAMPLES = 400

load_all_checks()


@pytest.fixture(scope="module")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxGateway]:
    with (
        Shop.listening() as shop,
        SandboxGateway.open(shop.url, tmp_path_factory.mktemp("gateway")) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def gateway(worker_app: Flask, running_gateway: SandboxGateway) -> None:
    """A gateway, without which every purchase by card would fail with 503.

    In each test, because the process state is restored after each.
    """
    use(GatewayConfig(running_gateway.url, SECRET_KEY, (WEBHOOK_SECRET,)))


@cache
def schema_of(app: Flask) -> Any:
    """The schema, which takes seconds to load and is the same for all tests."""
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    # Each caller has its own token, which would overwrite a generated one.
    schema.config.generation.with_security_parameters = False
    return schema


class Target:
    """One operation of the API, and its sample data."""

    def __init__(self, app: Flask, data: SampleData, route: Route) -> None:
        method, path = route
        self.data = data
        self.schema = schema_of(app)
        self.operation: APIOperation[Any, Any, Any, Any] = self.schema[path][method]

    def boundary_cases(self) -> Iterator[Case]:
        """Values on both sides of every boundary of the schema, wrong methods, missing parts."""
        return self.schema.iter_coverage_cases(
            self.operation,
            generation_modes=list(GenerationMode),
            generation_config=self.schema.config.generation,
        )

    def fuzz(self, *, examples: int) -> None:
        """Send random valid and invalid requests of all callers."""

        @hypothesis_settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=st.one_of(self.operation.as_strategy(generation_mode=m) for m in GenerationMode),
            caller=st.sampled_from(CALLERS),
            real=st.booleans(),
        )
        def run(case: Case, caller: str, real: bool) -> None:
            self.check(case, caller, real=real)

        run()

    def check(self, case: Case, caller: str, *, real: bool) -> None:
        """Send the case and check the response. real: with ids of existing records."""
        headers = self.data.actors[caller].headers if caller in self.data.actors else {}
        if real:
            self._insert_real_ids(case.path_parameters)
            self._insert_real_ids(case.body)
        with rolled_back_savepoint():
            # A request that is valid by the schema may still violate a business rule.
            excluded = [positive_data_acceptance]
            # The schema cannot say that white space around text does not count.
            if _trimmed(case.body) != case.body or _trimmed(case.query) != case.query:
                excluded.append(negative_data_rejection)
            case.call_and_validate(headers=headers, excluded_checks=excluded)

    def _insert_real_ids(self, values: Any) -> None:
        if isinstance(values, dict):
            names = self.data.names | {
                "productId": self.data.names["product_id"],
                "bankAccountId": self.data.names["bank_account_id"],
            }
            values |= {name: names[name] for name in names.keys() & values if _is_id(values[name])}


def _trimmed(body: Any) -> Any:
    """A body or query whose text has no white space around it."""
    if isinstance(body, dict):
        return {_trimmed(name): _trimmed(value) for name, value in body.items()}
    if isinstance(body, list):
        return [_trimmed(value) for value in body]
    return visible_text(body) if isinstance(body, str) else body


def _is_id(value: object) -> bool:
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_successful_responses_are_documented(app: Flask, data: SampleData, route: Route) -> None:
    target = Target(app, data, route)
    for caller, status in EXPECTED[route].items():
        if status < 300:
            with (
                rolled_back_savepoint(),
                data.send(app.test_client(), route, caller) as answer,
            ):
                assert answer.status_code == status
                target.operation.validate_response(answer)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_responses_to_boundary_cases_are_documented(
    app: Flask, data: SampleData, route: Route
) -> None:
    target = Target(app, data, route)
    cases = list(target.boundary_cases())
    assert cases
    for case, caller in zip(cases, itertools.cycle(CALLERS), strict=False):
        target.check(case, caller, real=True)


@pytest.mark.stress
@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_responses_to_random_requests_are_documented(
    app: Flask, data: SampleData, route: Route
) -> None:
    Target(app, data, route).fuzz(examples=EXAMPLES)
