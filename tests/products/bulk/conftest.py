"""Fixtures of bulk import and export."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()
