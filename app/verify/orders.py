"""Orders, their postings and stock."""

from typing import Final

from app.verify.invariant import Invariant

#: Orders that were created or paid among the checked records.
PAID_ORDERS: Final = """
    SELECT id FROM orders WHERE id >= :first
    UNION SELECT reference_id FROM wallet_transactions
        WHERE journal_entry_id >= :first AND reference_type = 'order'
"""

#: Orders that were created, paid or refunded among the checked records.
CHANGED_ORDERS: Final = f"""
    {PAID_ORDERS}
    UNION SELECT order_id FROM refunds WHERE id >= :first
"""  # noqa: S608 – a query from our own code

INVARIANTS: Final = (
    Invariant(
        "Stock: initial + restocked = available + sold - returned to stock, never negative",
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
        whole=True,
    ),
    Invariant(
        # The debit is in the buyer's wallet or, for a gateway payment, in the gateway's account.
        "A paid order has exactly its postings: buyer debit, merchant credit, fee",
        f"""
        SELECT o.id FROM orders o
        LEFT JOIN wallets b ON b.user_id = o.user_id AND b.currency = o.currency
        LEFT JOIN wallets g ON g.code = 'GATEWAY' AND g.currency = o.currency
        LEFT JOIN wallets m ON m.user_id = o.merchant_id AND m.currency = o.currency
        LEFT JOIN wallet_transactions t ON t.journal_entry_id >= :related
            AND t.reference_type = 'order' AND t.reference_id = o.id
        WHERE o.id IN ({PAID_ORDERS}) AND o.status IN ('COMPLETED', 'REFUNDED')
        GROUP BY o.id, b.id, g.id, m.id
        HAVING coalesce(sum(t.amount) FILTER (WHERE t.type = 'PAYMENT' AND t.wallet_id
                = CASE o.payment_method WHEN 'GATEWAY' THEN g.id ELSE b.id END), 0) <> -o.amount
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = 'EARNING' AND t.wallet_id = m.id), 0)
                <> o.amount
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = 'FEE' AND t.wallet_id = m.id), 0)
                <> -o.fee
            OR count(t.id) <> CASE WHEN o.amount = 0 THEN 0 WHEN o.fee > 0 THEN 4 ELSE 2 END
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        "No other order has postings, and no posting refers to a missing order",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN orders o ON o.id = t.reference_id
        WHERE t.journal_entry_id >= :first AND t.reference_type = 'order'
            AND (o.id IS NULL OR o.status NOT IN ('COMPLETED', 'REFUNDED'))
        """,
    ),
    Invariant(
        "An order paid at the gateway has its checkout and exactly one gateway payment",
        f"""
        SELECT o.id FROM orders o
        LEFT JOIN checkouts c ON c.order_id = o.id
        LEFT JOIN journal_entries j ON j.kind = 'GATEWAY_PURCHASE' AND j.reference_id = o.id
        WHERE o.id IN ({CHANGED_ORDERS})
        GROUP BY o.id, c.order_id
        HAVING (o.payment_method = 'GATEWAY') <> (c.order_id IS NOT NULL)
            OR count(j.id) <> CASE WHEN o.payment_method = 'GATEWAY'
                AND o.status IN ('COMPLETED', 'REFUNDED') THEN 1 ELSE 0 END
            OR (o.payment_method = 'GATEWAY' AND o.status IN ('COMPLETED', 'REFUNDED')
                AND (o.stripe_session_id IS NULL OR o.stripe_payment_intent_id IS NULL))
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        "Exactly the pending checkouts are polled at the gateway",
        """
        SELECT c.order_id FROM checkouts c JOIN orders o ON o.id = c.order_id
        WHERE o.id >= :first
            AND (o.status IN ('PENDING', 'PAYMENT_PROCESSING')) <> (c.next_attempt_at IS NOT NULL)
        """,
    ),
    Invariant(
        "An order's amount, fee and quantity are consistent",
        """
        SELECT id FROM orders
        WHERE id >= :first
            AND (amount <> unit_price * quantity - discount OR fee > amount OR fee < 0)
        """,
    ),
    Invariant(
        "A giveaway has given as many units as its orders have, for free, of its product",
        """
        SELECT g.id FROM giveaways g
        LEFT JOIN orders o ON o.giveaway_id = g.id
        GROUP BY g.id
        HAVING g.units <> coalesce(sum(o.quantity), 0) OR count(*) FILTER (WHERE o.amount <> 0
            OR o.product_id <> g.product_id OR o.merchant_id <> g.merchant_id
            OR (o.user_id = o.merchant_id) <> (g.kind = 'BATCH')) > 0
        """,
        whole=True,
    ),
    Invariant(
        "An order's timestamps match its status",
        f"""
        SELECT id FROM orders
        WHERE id IN ({CHANGED_ORDERS})
            AND ((status IN ('COMPLETED', 'REFUNDED')) <> (completed_at IS NOT NULL)
                OR (status = 'FAILED') <> (failed_at IS NOT NULL))
        """,  # noqa: S608 – a query from our own code
    ),
)
