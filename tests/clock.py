"""Setting the clock of the application."""

from collections.abc import Callable
from datetime import datetime

import pytest

from app.common import clock


def freeze_clock(
    monkeypatch: pytest.MonkeyPatch, moment: datetime | Callable[[], datetime]
) -> None:
    """Set the clock of the application to `moment`, or to what it returns."""
    monkeypatch.setattr(clock, "now", moment if callable(moment) else lambda: moment)
