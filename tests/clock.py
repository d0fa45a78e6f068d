"""The application's clock, stopped or replaced."""

from collections.abc import Callable
from datetime import datetime

import pytest

from app.common import clock


def freeze_clock(
    monkeypatch: pytest.MonkeyPatch, moment: datetime | Callable[[], datetime]
) -> None:
    """Have the application's clock say `moment`, or what it returns."""
    monkeypatch.setattr(clock, "now", moment if callable(moment) else lambda: moment)
