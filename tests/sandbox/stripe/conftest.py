"""A gateway, a shop that receives its webhooks, a buyer, and Stripe's own library."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from tests.stripe import SECRET_KEY, Buyer, SandboxGateway, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop.listening() as listening:
        yield listening


@pytest.fixture
def gateway(shop: Shop, tmp_path: Path) -> Iterator[SandboxGateway]:
    with SandboxGateway.open(
        shop.url,
        tmp_path,
        slow_seconds="0.5",
        reorder_seconds="1",
        refund_seconds="0.1",
        min_checkout_seconds="0",
        answer_seconds="0.6",
    ) as opened:
        yield opened


@pytest.fixture
def buyer() -> Buyer:
    return Buyer()


@pytest.fixture
def library(gateway: SandboxGateway) -> stripe.StripeClient:
    """Stripe's own client, so that the tests cover the API as Stripe defines it."""
    return stripe.StripeClient(
        SECRET_KEY, base_addresses={"api": gateway.url}, max_network_retries=0
    )
