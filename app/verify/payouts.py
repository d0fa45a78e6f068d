"""Payouts, their holds and their postings."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "A payout's hold matches its amount, wallet and status",
        """
        SELECT p.id FROM payouts p
        LEFT JOIN wallets w ON w.user_id = p.user_id AND w.currency = p.currency
        LEFT JOIN wallet_holds h ON h.id = p.hold_id AND h.wallet_id = w.id
            AND h.amount = p.amount AND h.currency = p.currency AND h.type = 'PAYOUT'
            AND h.reference_type = 'payout' AND h.reference_id = p.id
        WHERE h.id IS NULL OR h.status <> CASE p.status
                WHEN 'PAID' THEN 'CAPTURED' WHEN 'REFUSED' THEN 'VOIDED' ELSE 'ACTIVE' END
            OR (p.status = 'PAID' AND h.captured_amount <> p.amount)
        """,
    ),
    Invariant(
        "A hold for a payout has its payout",
        """
        SELECT h.id FROM wallet_holds h LEFT JOIN payouts p ON p.hold_id = h.id
        WHERE h.reference_type = 'payout' AND p.id IS NULL
        """,
    ),
    Invariant(
        "A paid payout has exactly its debit and the bank's credit",
        """
        SELECT p.id FROM payouts p
        LEFT JOIN wallets w ON w.user_id = p.user_id AND w.currency = p.currency
        LEFT JOIN wallet_transactions t ON t.journal_entry_id >= :related
            AND t.reference_type = 'payout' AND t.reference_id = p.id
        LEFT JOIN wallets other ON other.id = t.wallet_id AND other.code = 'BANK'
        WHERE p.status = 'PAID' AND (p.id >= :first OR p.settled_at >= :since)
        GROUP BY p.id, w.id
        HAVING coalesce(sum(t.amount) FILTER (WHERE t.wallet_id = w.id), 0) <> -p.amount
            OR coalesce(sum(t.amount) FILTER (WHERE other.id IS NOT NULL), 0) <> p.amount
            OR count(t.id) <> 2
        """,
    ),
    Invariant(
        "Only paid payouts have postings",
        """
        SELECT t.id FROM wallet_transactions t
        LEFT JOIN payouts p ON p.id = t.reference_id AND t.reference_type = 'payout'
        WHERE t.journal_entry_id >= :first AND (t.type = 'PAYOUT' OR t.reference_type = 'payout')
            AND (p.id IS NULL OR p.status <> 'PAID' OR t.type <> 'PAYOUT')
        """,
    ),
    Invariant(
        "A submitted, paid or refused payout has its outbox event",
        """
        SELECT p.id FROM payouts p LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = p.id
            AND e.type = 'payout-' || lower(p.status)
        WHERE p.id >= :recorded AND p.status <> 'PENDING' GROUP BY p.id HAVING count(e.id) <> 1
        """,
    ),
    Invariant(
        "A user has at most ten saved bank accounts, all different",
        """
        SELECT user_id FROM bank_accounts WHERE deleted_at IS NULL
        GROUP BY user_id HAVING count(*) > 10 OR count(*) <> count(DISTINCT fingerprint)
        """,
    ),
)
