"""Transfers, requests and codes: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it. {buyer} is the buyer's id.
CORRUPTIONS = {
    "A transfer has exactly its two postings, from its sender to its receiver": """
        UPDATE transfers SET sender_id = receiver_id, receiver_id = sender_id
        WHERE reference_type IS NULL
    """,
    "No posting refers to a missing transfer, or moves money between users without one": """
        UPDATE wallet_transactions SET reference_type = 'order' WHERE type = 'TRANSFER_IN'
    """,
    "Every user to whom another one has transferred money is a known payee": """
        DELETE FROM payees WHERE payer_id = '{buyer}'
    """,
    "A paid request has exactly one transfer, with its amount and parties; no other has any": """
        UPDATE payment_requests SET amount = amount + 1 WHERE status = 'PAID'
    """,
    "A transfer matches the payment request or merchant code that it pays": """
        UPDATE merchant_codes SET amount = amount + 1
    """,
    "A payment request's timestamps match its status, and none was paid after expiry": """
        UPDATE payment_requests SET expires_at = closed_at WHERE status = 'PAID'
    """,
    "A merchant code sells only products of its merchant": """
        UPDATE merchant_codes SET merchant_id = '{buyer}' WHERE product_id IS NOT NULL
    """,
    "Every transfer and every status of a payment request has its outbox event": """
        DELETE FROM outbox_events WHERE type = 'payment-request-declined'
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize(
    ("name", "corruption"),
    [
        (
            "A transfer has exactly its two postings, from its sender to its receiver",
            "UPDATE transfers SET amount = amount + 1",
        ),
        (
            "No posting refers to a missing transfer, or moves money between users without one",
            "DELETE FROM transfers WHERE reference_type IS NULL",
        ),
        (
            "A paid request has exactly one transfer, with its amount and parties; "
            "no other has any",
            "UPDATE payment_requests SET status = 'DECLINED' WHERE status = 'PAID'",
        ),
        (
            "A paid request has exactly one transfer, with its amount and parties; "
            "no other has any",
            "UPDATE payment_requests SET requester_id = payer_id WHERE status = 'PAID'",
        ),
        (
            "A transfer matches the payment request or merchant code that it pays",
            "DELETE FROM payment_requests WHERE status = 'PAID'",
        ),
        (
            "Every transfer and every status of a payment request has its outbox event",
            "DELETE FROM outbox_events WHERE type = 'transfer-completed'",
        ),
    ],
)
def test_another_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
