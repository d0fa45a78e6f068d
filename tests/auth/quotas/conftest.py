"""A merchant, and quotas that are quickly reached."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.models import Role
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from tests import factories
from tests.auth.quotas.helpers import Shop


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    return Shop(client, factories.actor(Role.MERCHANT, balance="100.00"))


@pytest.fixture
def set_maximum(worker_app: Flask) -> Iterator[Callable[[Quota, int], None]]:
    """Call it with the maximum of a quota for the rest of the test."""
    kept = quotas.maximums()

    def change(quota: Quota, maximum: int) -> None:
        quotas.maximums.configure({**quotas.maximums(), quota: maximum})

    yield change
    quotas.maximums.configure(kept)
