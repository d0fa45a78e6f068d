"""The parties of a hold."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor


@pytest.fixture
def payer(client: FlaskClient) -> Actor:
    return factories.buyer("100.00")


@pytest.fixture
def payee(client: FlaskClient) -> Actor:
    return factories.merchant()
