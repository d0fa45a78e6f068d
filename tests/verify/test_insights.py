"""The feed of transactions and its sums: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "An approved transaction of the feed is what was posted": """
        UPDATE feed_transactions SET amount = amount + 1 WHERE kind = 'TRANSFER'
    """,
    "A transaction of the feed has the number of its user": """
        UPDATE feed_transactions SET user_number = -user_number
    """,
    "The sums of a minute are those of the transactions of the feed": """
        DELETE FROM feed_transactions WHERE kind = 'WITHDRAWAL'
    """,
    "The sums of a day are those of its minutes": """
        UPDATE transaction_days SET volume = volume - 1
    """,
    "The requests of an hour are those of its minutes": """
        DELETE FROM request_hours
    """,
}

POSTED = "An approved transaction of the feed is what was posted"
DAYS = "The sums of a day are those of its minutes"


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize(
    "kind",
    [
        "PURCHASE",
        "TRANSFER",
        "PAYMENT_REQUEST",
        "MERCHANT_CODE",
        "HOLD",
        "WITHDRAWAL",
        "PAYOUT",
    ],
)
@pytest.mark.parametrize("change", ["transaction_id = uuidv7()", "currency = 'EUR'"])
def test_a_transaction_of_every_kind_is_compared(books: Books, kind: str, change: str) -> None:
    corruption = f"UPDATE feed_transactions SET {change} WHERE kind = '{kind}'"
    assert POSTED in books.broken_by(corruption + " AND status = 'APPROVED'")


@pytest.mark.parametrize(
    "corruption",
    [
        "DELETE FROM transaction_days",
        "UPDATE transaction_days SET currency = 'EUR'",
        "UPDATE transaction_minutes SET latency_ms = latency_ms + 1",
        # The newest day, of which no minute can have been deleted.
        "UPDATE transaction_days SET approved = approved + 1"
        " WHERE starts_at = (SELECT max(starts_at) FROM transaction_days)",
    ],
)
def test_days_that_differ_in_any_way_are_found(books: Books, corruption: str) -> None:
    assert DAYS in books.broken_by(corruption)


def test_an_oldest_day_whose_first_minutes_are_deleted_is_none(books: Books) -> None:
    deleted = books.broken_by(
        "DELETE FROM transaction_minutes"
        " WHERE starts_at = (SELECT min(starts_at) FROM transaction_minutes)"
    )
    assert DAYS not in deleted
