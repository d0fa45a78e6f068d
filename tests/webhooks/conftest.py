"""Fixtures of webhooks."""

from collections.abc import Iterator
from dataclasses import replace

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
    """A merchant who uses an API key, which does not expire when a test sets the clock."""
    owner = factories.merchant()
    return replace(owner, token=factories.api_key(owner).text)
