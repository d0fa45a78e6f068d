"""Refused attempts per address, approximately: PostgreSQL counts those of each user exactly."""

from collections.abc import Mapping
from typing import Final

from app.common import window_counts
from app.risk.conditions import WINDOWS, Window

_PREFIX: Final = "cache:risk:refused"


def count(network: str) -> None:
    """Count a refused attempt of this address."""
    window_counts.count(f"{_PREFIX}:{network}", tuple(WINDOWS.values()))


def read(network: str) -> Mapping[Window, int]:
    """Refused attempts of this address by window; empty if they are unknown, without Redis."""
    found = window_counts.read(f"{_PREFIX}:{network}", tuple(WINDOWS.values()))
    return {} if found is None else dict(zip(WINDOWS, found, strict=True))
