"""The outbox: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

NUMBERED = "The events of a record have versions without gaps, in the order of recording"
COUNTED = "As many events of a record are in the outbox as have been counted"
OF_WALLETS = "The version of a wallet's last event is the wallet's sequence"

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    NUMBERED: """
        DELETE FROM outbox_events WHERE id = (
            SELECT e.id FROM outbox_events e JOIN wallets w ON w.id = e.aggregate_id
            WHERE e.version = 2 AND w.sequence > 2 LIMIT 1)
    """,
    COUNTED: "UPDATE event_counts SET events = events + 1",
    OF_WALLETS: """
        DELETE FROM outbox_events e USING wallets w
        WHERE w.id = e.aggregate_id AND e.version = w.sequence AND w.sequence > 1
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize(
    ("name", "corruption"),
    [
        (NUMBERED, "UPDATE outbox_events SET version = 1 WHERE version = 2"),
        (NUMBERED, "UPDATE outbox_events SET version = 5 - version WHERE version IN (2, 3)"),
        (COUNTED, "DELETE FROM outbox_events WHERE type = 'order-refunded'"),
        (COUNTED, "UPDATE event_counts SET events = 0"),
    ],
)
def test_another_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
