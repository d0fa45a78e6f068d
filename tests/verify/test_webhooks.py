"""Webhooks: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "Exactly the waiting webhook deliveries have a next attempt": """
        UPDATE webhook_deliveries SET next_attempt_at = NULL WHERE status = 'WAITING'
    """,
    "A held webhook delivery waits for an earlier one of its aggregate": """
        UPDATE webhook_deliveries SET status = 'FAILED', next_attempt_at = NULL
        WHERE status = 'WAITING'
    """,
    "A webhook endpoint has a current secret, unless it was deleted": """
        DELETE FROM webhook_secrets
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])
