"""The owner of the API keys."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor


@pytest.fixture
def shop(client: FlaskClient) -> Actor:
    return factories.merchant()
