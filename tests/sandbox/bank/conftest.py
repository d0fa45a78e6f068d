"""A bank, a merchant that receives its webhooks, and a payer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bank import Merchant, Payer, SandboxBank


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with Merchant.listening() as listening:
        yield listening


@pytest.fixture
def bank(merchant: Merchant, tmp_path: Path) -> Iterator[SandboxBank]:
    with SandboxBank.open(
        merchant.url, tmp_path, slow_seconds="0.8", reorder_seconds="2", payout_seconds="0.1"
    ) as bank:
        yield bank


@pytest.fixture
def payer() -> Payer:
    return Payer()
