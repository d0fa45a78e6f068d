"""Payouts: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "A payout's hold matches its amount, wallet and status": """
        UPDATE payouts SET amount = amount + 1 WHERE status = 'PENDING'
    """,
    "A hold for a payout has its payout": """
        DELETE FROM payouts WHERE status = 'REFUSED'
    """,
    "A paid payout has exactly its debit and the bank's credit": """
        UPDATE wallet_transactions SET reference_type = 'hold' WHERE type = 'PAYOUT'
    """,
    "Only paid payouts have postings": """
        UPDATE payouts SET status = 'REFUSED' WHERE status = 'PAID'
    """,
    "A submitted, paid or refused payout has its outbox event": """
        DELETE FROM outbox_events WHERE type = 'payout-submitted'
    """,
    "A user has at most ten saved bank accounts, all different": """
        INSERT INTO bank_accounts
        SELECT gen_random_uuid(), user_id, provider, holder, routing, label, number_sealed,
            number_end, fingerprint, created_at, deleted_at
        FROM bank_accounts
    """,
}

#: Statements that violate the first invariant, which covers all statuses.
HOLDS = [
    "UPDATE payouts SET status = 'PENDING' WHERE status = 'PAID'",
    "UPDATE payouts SET status = 'PAID' WHERE status = 'SUBMITTED'",
    "UPDATE payouts SET status = 'SUBMITTED' WHERE status = 'REFUSED'",
    "UPDATE payouts SET status = 'REFUSED' WHERE status = 'PENDING'",
    "UPDATE wallet_holds SET captured_amount = 1 WHERE status = 'CAPTURED' AND type = 'PAYOUT'",
    "UPDATE wallet_holds SET reference_id = gen_random_uuid() WHERE type = 'PAYOUT'",
    "UPDATE wallet_holds SET type = 'TRANSFER_OUT' WHERE type = 'PAYOUT'",
]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize("corruption", HOLDS)
def test_a_hold_that_does_not_match_its_payout_is_found(books: Books, corruption: str) -> None:
    assert "A payout's hold matches its amount, wallet and status" in books.broken_by(corruption)
