"""A recording handler of payouts, so that webhooks are tested without the payouts module."""

import pytest

from tests.inbox.recording import RecordingHandler


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> RecordingHandler:
    """The handler of payouts, which owns reference-1 at HDFC."""
    recording = RecordingHandler.subscribed(monkeypatch, "payout")
    recording.owned.add(("HDFC", "reference-1"))
    return recording
