"""schemathesis over the whole document: whatever is sent, the answer is one that is documented.

Checked of every answer: no server error, a documented status with the documented body, headers
and content type, 405 with Allow for other methods, 401 without a token, and no acceptance of what
the document forbids.
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
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.common.settings import Settings
from app.gateway import provider_config
from app.gateway.provider_config import GatewayConfig
from tests.gateway.conftest import use
from tests.operations.access_matrix import CALLERS, EXPECTED, Route
from tests.operations.sample_requests import World
from tests.stripe import SECRET_KEY, WEBHOOK_SECRET, SandboxGateway, Shop
from tests.undo import undone

ROUTES = [route for route in EXPECTED if "/api/v1/" in route[1]]
EXAMPLES, MANY_EXAMPLES = 15, 400

load_all_checks()


@pytest.fixture(scope="module", autouse=True)
def gateway(
    worker_app: Flask, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Somebody to ask for checkouts: without, every purchase by card is 503."""
    with (
        Shop.listening() as nobody,
        SandboxGateway.open(nobody.url, tmp_path_factory.mktemp("gateway")) as running,
    ):
        use(GatewayConfig(running.url, SECRET_KEY, (WEBHOOK_SECRET,)))
        yield
        use(provider_config.from_settings(settings))


@cache
def schema_of(app: Flask) -> Any:
    """The document, which takes seconds to read and is the same for all tests."""
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    # Tokens come from the caller; a bad one made up here would only be overwritten.
    schema.config.generation.with_security_parameters = False
    return schema


class Target:
    """One operation of the application, and a world for it to work on."""

    def __init__(self, app: Flask, world: World, route: Route) -> None:
        method, path = route
        self.world = world
        self.schema = schema_of(app)
        self.operation: APIOperation[Any, Any, Any, Any] = self.schema[path][method]

    def edges(self) -> Iterator[Case]:
        """Every boundary of the schema from both sides, wrong methods, missing parts."""
        return self.schema.iter_coverage_cases(
            self.operation,
            generation_modes=list(GenerationMode),
            generation_config=self.schema.config.generation,
        )

    def fuzz(self, *, examples: int) -> None:
        """Send random requests, good and bad, by all kinds of callers."""

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
        """Send the case and judge the answer. real: with ids of what there is, not made-up ones."""
        headers = self.world.actors[caller].headers if caller in self.world.actors else {}
        if real:
            self._name_real_things(case.path_parameters)
            self._name_real_things(case.body)
        with undone():
            # The shop has rules beyond the schema, so a well-formed request may be refused.
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    def _name_real_things(self, values: Any) -> None:
        if isinstance(values, dict):
            names = self.world.names | {
                "productId": self.world.names["product_id"],
                "bankAccountId": self.world.names["bank_account_id"],
            }
            values |= {name: names[name] for name in names.keys() & values if _is_id(values[name])}


def _is_id(value: object) -> bool:
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_the_edges_of_every_operation_answer_as_documented(
    app: Flask, world: World, route: Route
) -> None:
    target = Target(app, world, route)
    cases = list(target.edges())
    assert cases
    for case, caller in zip(cases, itertools.cycle(CALLERS), strict=False):
        target.check(case, caller, real=True)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_random_requests_answer_as_documented(app: Flask, world: World, route: Route) -> None:
    Target(app, world, route).fuzz(examples=EXAMPLES)


@pytest.mark.stress
@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_very_many_random_requests_answer_as_documented(
    app: Flask, world: World, route: Route
) -> None:
    Target(app, world, route).fuzz(examples=MANY_EXAMPLES)
