"""Refunds and coupons."""

from typing import Final

from app.verify.invariant import Invariant
from app.verify.orders import CHANGED_ORDERS

INVARIANTS: Final = (
    Invariant(
        "An order's refunded totals match its refunds and never exceed the order",
        f"""
        WITH changed AS ({CHANGED_ORDERS})
        SELECT o.id FROM orders o
        LEFT JOIN (SELECT order_id, sum(amount) AS amount, sum(fee) AS fee, sum(units) AS units,
                       sum(restored_units) AS restored
                   FROM refunds WHERE order_id IN (SELECT id FROM changed)
                   GROUP BY 1) r ON r.order_id = o.id
        WHERE o.id IN (SELECT id FROM changed)
            AND (o.refunded_amount <> coalesce(r.amount, 0)
                OR o.refunded_fee <> coalesce(r.fee, 0)
                OR o.refunded_units <> coalesce(r.units, 0)
                OR o.restored_units <> coalesce(r.restored, 0)
                OR o.refunded_amount > o.amount OR o.refunded_units > o.quantity)
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        "An order is REFUNDED exactly when it is fully refunded",
        f"""
        SELECT id FROM orders
        WHERE id IN ({CHANGED_ORDERS}) AND status IN ('COMPLETED', 'REFUNDED')
            AND (status = 'REFUNDED') <> (refunded_amount = amount AND refunded_units = quantity)
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        # The credit of a gateway refund is in the gateway's account. If the gateway could not
        # refund it, the amount was then moved from there to the buyer's wallet, or to BANK if the
        # platform has paid it.
        "A refund has exactly its postings: merchant debit, buyer credit, fee refund",
        """
        SELECT r.id FROM refunds r
        JOIN orders o ON o.id = r.order_id
        LEFT JOIN wallets b ON b.user_id = o.user_id AND b.currency = o.currency
        LEFT JOIN wallets g ON g.code = 'GATEWAY' AND g.currency = o.currency
        LEFT JOIN wallets k ON k.code = 'BANK' AND k.currency = o.currency
        LEFT JOIN wallets m ON m.user_id = o.merchant_id AND m.currency = o.currency
        LEFT JOIN wallet_transactions t ON t.journal_entry_id >= :related
            AND t.reference_type = 'refund' AND t.reference_id = r.id
        WHERE r.id >= :first
        GROUP BY r.id, b.id, g.id, k.id, m.id, o.payment_method
        HAVING coalesce(sum(t.amount) FILTER (WHERE t.type = 'REFUND' AND t.wallet_id
                = CASE r.destination WHEN 'GATEWAY' THEN g.id WHEN 'EXTERNAL' THEN k.id
                    ELSE b.id END), 0) <> r.amount
            OR coalesce(sum(t.amount)
                FILTER (WHERE t.type = 'REFUND_OUT' AND t.wallet_id = m.id), 0) <> -r.amount
            OR coalesce(sum(t.amount)
                FILTER (WHERE t.type = 'FEE_REFUND' AND t.wallet_id = m.id), 0) <> r.fee
            OR count(t.id) <> CASE WHEN r.amount = 0 THEN 0 WHEN r.fee > 0 THEN 4 ELSE 2 END
                + CASE WHEN r.destination <> o.payment_method AND r.amount > 0 THEN 2 ELSE 0 END
        """,
    ),
    Invariant(
        "A pending gateway refund is polled until the gateway confirms it",
        """
        SELECT id FROM refunds
        WHERE id >= :first
            AND ((status = 'PENDING') <> (next_attempt_at IS NOT NULL)
                OR (status = 'PENDING' AND destination <> 'GATEWAY'))
        """,
    ),
    Invariant(
        "A refund that was settled by hand has succeeded, with its record in the audit log",
        """
        SELECT r.id FROM refunds r
        LEFT JOIN audit_log a ON a.action = 'refund.settle' AND a.target_id = r.id
            AND a.actor_id = r.settled_by AND a.reason = r.settlement_reason
        WHERE r.settled_by IS NOT NULL AND r.id IN (
            SELECT reference_id FROM wallet_transactions
            WHERE journal_entry_id >= :first AND reference_type = 'refund')
        GROUP BY r.id
        HAVING count(a.id) <> 1 OR r.status <> 'SUCCEEDED' OR r.destination = 'GATEWAY'
            OR r.failure_reason IS NULL
        """,
    ),
    Invariant(
        "No posting refers to a missing refund",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN refunds r ON r.id = t.reference_id
        WHERE t.journal_entry_id >= :first AND t.reference_type = 'refund' AND r.id IS NULL
        """,
    ),
    Invariant(
        "An approved refund request has a refund of its order",
        """
        SELECT c.id FROM refund_requests c LEFT JOIN refunds r ON r.id = c.refund_id
        WHERE c.status = 'APPROVED' AND r.order_id IS DISTINCT FROM c.order_id
        """,
    ),
    Invariant(
        "A coupon's use count is correct and within its limit",
        """
        SELECT c.id FROM coupons c
        LEFT JOIN coupon_uses u ON u.coupon_id = c.id AND u.released_at IS NULL
        GROUP BY c.id
        HAVING count(u.order_id) <> c.uses OR c.uses > c.max_uses
        """,
        whole=True,
    ),
    Invariant(
        "No buyer exceeded a coupon's limit per buyer",
        """
        SELECT u.coupon_id FROM coupon_uses u JOIN coupons c ON c.id = u.coupon_id
        WHERE u.released_at IS NULL
        GROUP BY u.coupon_id, u.user_id, c.max_uses_per_user
        HAVING count(*) > c.max_uses_per_user
        """,
        whole=True,
    ),
    Invariant(
        "An order and its coupon use match",
        """
        SELECT coalesce(o.id, u.order_id) AS id
        FROM (SELECT * FROM orders WHERE id >= :first AND coupon_id IS NOT NULL) o
        FULL JOIN (SELECT * FROM coupon_uses WHERE order_id >= :first) u ON u.order_id = o.id
        WHERE o.id IS NULL OR u.order_id IS NULL OR u.coupon_id <> o.coupon_id
            OR u.user_id <> o.user_id OR u.discount <> o.discount
            OR (u.released_at IS NULL) <> (o.status NOT IN ('FAILED', 'CANCELLED'))
        """,
    ),
)
