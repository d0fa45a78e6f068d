"""The ledger: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it. {buyer} is the buyer's id.
CORRUPTIONS = {
    "Every journal entry sums to zero per currency": """
        WITH two AS (SELECT id, row_number() OVER () AS n FROM wallet_transactions
                     WHERE sequence IS NULL LIMIT 2)
        UPDATE wallet_transactions t SET amount = amount + (CASE two.n WHEN 1 THEN 1 ELSE -1 END)
        FROM two WHERE two.id = t.id
    """,
    "All postings together sum to zero per currency": """
        UPDATE wallet_transactions SET amount = amount + 1
        WHERE id = (SELECT id FROM wallet_transactions WHERE sequence IS NULL LIMIT 1)
    """,
    "A wallet's balance is the sum of its postings": """
        UPDATE wallets SET balance = balance + 1 WHERE user_id = '{buyer}'
    """,
    "Each posting starts where the one before it ended": """
        UPDATE wallet_transactions
        SET balance_before = balance_before + 1, balance_after = balance_after + 1
        WHERE sequence = 2
    """,
    "A posting's totals are the sums of its type in its wallet": """
        UPDATE wallet_transactions SET uncoded_total = uncoded_total - 1
        WHERE type = 'PAYMENT' AND uncoded_total > 0
    """,
    "A wallet has the totals of its last postings": """
        UPDATE wallets SET totals = totals - 'PAYMENT' WHERE user_id = '{buyer}'
    """,
    "A wallet's stored totals of earlier windows are not above those before the current ones": """
        UPDATE wallets SET totals = jsonb_set(totals, ARRAY['PAYMENT'], totals->'PAYMENT'
            || jsonb_build_array(totals->'PAYMENT'->0, 0, 0)) WHERE user_id = '{buyer}'
    """,
    "Sequence numbers have no gaps and end at the wallet's sequence": """
        UPDATE wallet_transactions SET sequence = sequence + 1
        WHERE sequence = (SELECT sequence FROM wallets WHERE user_id = '{buyer}')
            AND wallet_id = (SELECT id FROM wallets WHERE user_id = '{buyer}')
    """,
    "Postings are in the currency of their wallet": """
        UPDATE wallet_transactions SET currency = 'EUR'
    """,
    "No user's wallet is negative; the held amount is between 0 and the balance": """
        UPDATE wallets SET held = balance + 1 WHERE user_id = '{buyer}'
    """,
    "An idempotency key has at most one effect": """
        UPDATE journal_entries SET idempotency_key = 'again' WHERE initiator_id = '{buyer}'
    """,
    "A stored success has its effect; a stored error moved no money": """
        UPDATE idempotency_keys SET status = 400 WHERE status < 300
    """,
    "Every journal entry has at least two postings": """
        INSERT INTO journal_entries (id, kind, created_at)
        VALUES (gen_random_uuid(), 'NOTHING', now())
    """,
    "Every debit has its order, refund, hold, transfer, payout or withdrawal": """
        UPDATE wallet_transactions SET reference_type = NULL WHERE type = 'PAYMENT'
    """,
    "Totals per user and window never exceed the limits in effect": """
        INSERT INTO wallet_limits (id, user_id, type, "window", currency, amount, updated_at)
        VALUES (gen_random_uuid(), '{buyer}', 'DEPOSIT', 'DAY', 'USD', 1, '2000-01-01')
    """,
    "Every money operation has its outbox event": """
        DELETE FROM outbox_events WHERE type = 'balance-updated'
    """,
    "A wallet's postings are in chronological order": """
        UPDATE wallet_transactions SET created_at = created_at - interval '1 hour'
        WHERE sequence = 2
    """,
    "A wallet's held amount is the sum of its active holds": """
        UPDATE wallets SET held = 1 WHERE user_id = '{buyer}'
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])
