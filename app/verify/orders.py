"""Orders, their postings and their stock."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "Stock: initial + restocked = available + sold less what was put back, never negative",
        """
        SELECT p.id FROM products p
        LEFT JOIN (SELECT product_id, sum(delta) AS units FROM restocks GROUP BY 1) r
            ON r.product_id = p.id
        LEFT JOIN (SELECT product_id, sum(quantity - restored_units) AS units FROM orders
                   WHERE status NOT IN ('FAILED', 'CANCELLED') GROUP BY 1) o
            ON o.product_id = p.id
        WHERE p.available_units < 0 OR p.initial_units + coalesce(r.units, 0)
            <> p.available_units + coalesce(o.units, 0)
        """,
    ),
    Invariant(
        "A paid order has exactly its postings: buyer debit, merchant credit, fee",
        """
        SELECT o.id FROM orders o
        LEFT JOIN wallets b ON b.user_id = o.user_id AND b.currency = o.currency
        LEFT JOIN wallets m ON m.user_id = o.merchant_id AND m.currency = o.currency
        LEFT JOIN wallet_transactions t ON t.reference_type = 'order' AND t.reference_id = o.id
        WHERE o.status IN ('COMPLETED', 'REFUNDED')
        GROUP BY o.id, b.id, m.id
        HAVING coalesce(sum(t.amount) FILTER (WHERE t.type = 'PAYMENT' AND t.wallet_id = b.id), 0)
                <> -o.amount
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = 'EARNING' AND t.wallet_id = m.id), 0)
                <> o.amount
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = 'FEE' AND t.wallet_id = m.id), 0)
                <> -o.fee
            OR count(t.id) <> CASE WHEN o.amount = 0 THEN 0 WHEN o.fee > 0 THEN 4 ELSE 2 END
        """,
    ),
    Invariant(
        "No other order has postings, and no posting names an order that is not there",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN orders o ON o.id = t.reference_id
        WHERE t.reference_type = 'order'
            AND (o.id IS NULL OR o.status NOT IN ('COMPLETED', 'REFUNDED'))
        """,
    ),
    Invariant(
        "An order's fee and quantity add up",
        """
        SELECT id FROM orders
        WHERE amount <> unit_price * quantity - discount OR fee > amount OR fee < 0
        """,
    ),
    Invariant(
        "An order's times fit its status",
        """
        SELECT id FROM orders
        WHERE (status IN ('COMPLETED', 'REFUNDED')) <> (completed_at IS NOT NULL)
            OR (status = 'FAILED') <> (failed_at IS NOT NULL)
        """,
    ),
)
