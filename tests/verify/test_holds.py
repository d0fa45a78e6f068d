"""Holds: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "A captured hold has exactly its postings: payer debit, payee credit": """
        UPDATE wallet_holds SET captured_amount = captured_amount - 1 WHERE status = 'CAPTURED'
    """,
    "No other hold has postings, and every capture has its hold": """
        DELETE FROM wallet_holds WHERE status = 'CAPTURED'
    """,
    "A capture was authorized as its hold was, with or without a two-factor code": """
        UPDATE wallet_holds SET with_code = true WHERE status = 'CAPTURED'
    """,
    "A hold's amounts and timestamps match its status": """
        UPDATE wallet_holds SET captured_amount = amount + 1 WHERE status = 'CAPTURED'
    """,
    "A hold has its wallet's owner and currency, and another user as payee": """
        UPDATE wallet_holds SET initiator_id = payee_id
        WHERE status = 'ACTIVE' AND payee_id IS NOT NULL
    """,
    "Every hold for a payee has its outbox events: placed, and captured or released": """
        DELETE FROM outbox_events WHERE type = 'hold-placed'
    """,
}

#: More statements that violate the same invariants.
VARIATIONS = [
    (
        "A captured hold has exactly its postings: payer debit, payee credit",
        "UPDATE wallet_transactions SET reference_id = gen_random_uuid()"
        " WHERE reference_type = 'hold' AND type = 'EARNING'",
    ),
    (
        "A captured hold has exactly its postings: payer debit, payee credit",
        "UPDATE journal_entries SET kind = 'GIFT' WHERE kind = 'CAPTURE'",
    ),
    (
        "A captured hold has exactly its postings: payer debit, payee credit",
        "UPDATE wallet_holds SET status = 'CAPTURED', captured_amount = 1, closed_at = now()"
        " WHERE status = 'ACTIVE'",
    ),
    (
        "No other hold has postings, and every capture has its hold",
        "UPDATE wallet_holds SET status = 'VOIDED' WHERE status = 'CAPTURED'",
    ),
    (
        "No other hold has postings, and every capture has its hold",
        "UPDATE wallet_transactions SET reference_type = 'gift' WHERE reference_type = 'hold'",
    ),
    (
        "A hold's amounts and timestamps match its status",
        "UPDATE wallet_holds SET closed_at = NULL WHERE status = 'VOIDED'",
    ),
    (
        "A hold's amounts and timestamps match its status",
        "UPDATE wallet_holds SET closed_at = created_at WHERE status = 'EXPIRED'",
    ),
    (
        "A hold's amounts and timestamps match its status",
        "UPDATE wallet_holds SET captured_amount = 0 WHERE status = 'CAPTURED'",
    ),
    (
        "A hold has its wallet's owner and currency, and another user as payee",
        "UPDATE wallet_holds SET currency = 'EUR' WHERE status = 'ACTIVE'",
    ),
    (
        "Every hold for a payee has its outbox events: placed, and captured or released",
        "DELETE FROM outbox_events WHERE type = 'hold-released'",
    ),
    (
        "Every hold for a payee has its outbox events: placed, and captured or released",
        "UPDATE outbox_events SET type = 'hold-released' WHERE type = 'hold-captured'",
    ),
]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize(("name", "corruption"), VARIATIONS)
def test_another_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
