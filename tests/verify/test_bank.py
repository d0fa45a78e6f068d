"""On-ramps and inbound events: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it. {buyer} is the buyer's id.
CORRUPTIONS = {
    "A successful on-ramp has exactly its credit: our amount, to our user": """
        UPDATE onramps SET amount = amount + 1 WHERE status = 'SUCCESS'
    """,
    "No other on-ramp has postings, and every on-ramp posting has its on-ramp": """
        UPDATE onramps SET status = 'EXPIRED', settled_by = NULL WHERE status = 'SUCCESS'
    """,
    "An on-ramp's timestamps match its status": """
        UPDATE onramps SET closed_at = NULL WHERE status = 'FAILURE'
    """,
    "An on-ramp that a bank ended has exactly one inbound event, with the same values": """
        UPDATE inbound_events SET amount = amount + 1 WHERE status = 'PROCESSED'
    """,
    "An inbound event ends at most one on-ramp": """
        UPDATE onramps SET settled_by = (SELECT id FROM inbound_events LIMIT 1)
        WHERE status IN ('SUCCESS', 'FAILURE')
    """,
    "Every handled payment event has ended its on-ramp": """
        UPDATE onramps SET status = 'PROCESSING', closed_at = NULL, settled_by = NULL
        WHERE status = 'FAILURE'
    """,
    "An inbound event's timestamps match its status": """
        UPDATE inbound_events SET processed_at = NULL WHERE status = 'PROCESSED'
    """,
    "Every ended on-ramp and every quarantined event has its outbox event": """
        DELETE FROM outbox_events WHERE type = 'bank-event-quarantined'
    """,
}

#: More statements that violate the same invariants.
MORE = [
    (
        "A successful on-ramp has exactly its credit: our amount, to our user",
        "UPDATE onramps SET user_id = (SELECT id FROM users WHERE id <> '{buyer}' LIMIT 1)"
        " WHERE status = 'SUCCESS'",
    ),
    (
        "A successful on-ramp has exactly its credit: our amount, to our user",
        "UPDATE onramps SET status = 'SUCCESS' WHERE status = 'EXPIRED'",
    ),
    (
        "A successful on-ramp has exactly its credit: our amount, to our user",
        "UPDATE wallet_transactions SET reference_id ="
        " (SELECT reference_id FROM wallet_transactions WHERE type = 'ONRAMP' LIMIT 1)"
        " WHERE type = 'ONRAMP'",
    ),
    (
        "No other on-ramp has postings, and every on-ramp posting has its on-ramp",
        "UPDATE wallet_transactions SET reference_type = NULL WHERE type = 'ONRAMP'",
    ),
    (
        "No other on-ramp has postings, and every on-ramp posting has its on-ramp",
        "UPDATE wallet_transactions SET type = 'DEPOSIT' WHERE type = 'ONRAMP'",
    ),
    (
        "An on-ramp's timestamps match its status",
        "UPDATE onramps SET late = true WHERE status <> 'SUCCESS'",
    ),
    (
        "An on-ramp that a bank ended has exactly one inbound event, with the same values",
        "UPDATE inbound_events SET status = 'QUARANTINED', last_error = 'x'"
        " WHERE status = 'PROCESSED'",
    ),
    (
        "An on-ramp that a bank ended has exactly one inbound event, with the same values",
        "UPDATE onramps SET settled_by = NULL WHERE status = 'FAILURE'",
    ),
    (
        "Every ended on-ramp and every quarantined event has its outbox event",
        "DELETE FROM outbox_events WHERE type = 'onramp-succeeded'",
    ),
    (
        "Every ended on-ramp and every quarantined event has its outbox event",
        "UPDATE outbox_events SET aggregate_id = gen_random_uuid() WHERE type = 'onramp-failed'",
    ),
]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize(("name", "corruption"), MORE)
def test_another_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
