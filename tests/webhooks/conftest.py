"""Fixtures of webhooks."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver.open() as opened:
        yield opened


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()
