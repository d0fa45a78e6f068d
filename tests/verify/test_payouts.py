"""Payouts, corrupted on purpose, one way at a time."""

import pytest

from tests.verify.books import Books

#: Invariant → what makes it untrue.
CORRUPTIONS = {
    "A payout's hold is of its amount, its wallet and its status": """
        UPDATE payouts SET amount = amount + 1 WHERE status = 'PENDING'
    """,
    "A hold for a payout has its payout": """
        DELETE FROM payouts WHERE status = 'REFUSED'
    """,
    "A paid payout has exactly its debit, and money left for the bank": """
        UPDATE wallet_transactions SET reference_type = 'hold' WHERE type = 'PAYOUT'
    """,
    "No payout is posted but a paid one": """
        UPDATE payouts SET status = 'REFUSED' WHERE status = 'PAID'
    """,
    "A payout has its event once it is submitted, paid or refused": """
        DELETE FROM outbox_events WHERE type = 'payout-submitted'
    """,
    "A user's saved bank accounts are different ones, ten at most": """
        INSERT INTO bank_accounts
        SELECT gen_random_uuid(), user_id, provider, holder, routing, label, number_sealed,
            number_end, fingerprint, created_at, deleted_at
        FROM bank_accounts
    """,
}

#: Ways to break the first one, which looks at all statuses.
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
def test_a_hold_that_does_not_fit_is_found(books: Books, corruption: str) -> None:
    assert "A payout's hold is of its amount, its wallet and its status" in books.broken_by(
        corruption
    )
