"""A user who has requested a payout."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.payouts.helpers import pending_payout


@pytest.fixture
def user(client: FlaskClient) -> Actor:
    return factories.buyer("100.00")


@pytest.fixture
def payout_id(client: FlaskClient, user: Actor) -> UUID:
    return pending_payout(client, user)
