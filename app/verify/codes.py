"""Codes, their orders and their uploads."""

from typing import Final

from app.verify.invariant import Invariant
from app.verify.orders import CHANGED_ORDERS

INVARIANTS: Final = (
    Invariant(
        "The stock of a code product is its number of unassigned codes",
        """
        SELECT p.id, p.available_units, count(c.id) FROM products p
        LEFT JOIN product_codes c ON c.product_id = p.id AND c.order_id IS NULL
        WHERE p.kind = 'CODES' GROUP BY p.id HAVING p.available_units <> count(c.id)
        """,
        whole=True,
    ),
    Invariant(
        "An order of codes has its unreturned codes, and revoked ones for units not restocked",
        f"""
        SELECT o.id FROM orders o JOIN products p ON p.id = o.product_id
        LEFT JOIN product_codes c ON c.order_id = o.id
        WHERE o.id IN ({CHANGED_ORDERS}) AND p.kind = 'CODES'
        GROUP BY o.id
        HAVING count(c.id) FILTER (WHERE c.revoked_at IS NULL OR c.is_withdrawn)
                <> CASE WHEN o.status IN ('FAILED', 'CANCELLED') THEN 0
                    ELSE o.quantity - o.refunded_units END
            OR count(c.revoked_at) FILTER (WHERE NOT c.is_withdrawn AND c.replaced_by IS NULL)
                <> o.refunded_units - o.restored_units
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        "A code belongs to a code product, and its order is for that product",
        """
        SELECT c.id FROM product_codes c
        LEFT JOIN products p ON p.id = c.product_id AND p.kind = 'CODES'
        LEFT JOIN orders o ON o.id = c.order_id
        WHERE p.id IS NULL
            OR (c.order_id IS NOT NULL AND o.product_id IS DISTINCT FROM c.product_id)
        """,
        whole=True,
    ),
    Invariant(
        "No product has a code twice",
        "SELECT product_id FROM product_codes GROUP BY product_id, fingerprint HAVING count(*) > 1",
        whole=True,
    ),
    Invariant(
        "A code's timestamps match its state",
        """
        SELECT id FROM product_codes
        WHERE (order_id IS NULL) <> (taken_at IS NULL) OR (order_id IS NULL AND seen_at IS NOT NULL)
            OR seen_at < taken_at OR revoked_at < seen_at
            OR (revoked_at IS NOT NULL AND seen_at IS NULL AND revocation_reason IS NULL)
        """,
        whole=True,
    ),
    Invariant(
        "A reissued code is revoked, and its order has the code that replaces it",
        """
        SELECT c.id FROM product_codes c
        LEFT JOIN product_codes r ON r.id = c.replaced_by AND r.order_id = c.order_id
        WHERE c.replaced_by IS NOT NULL AND (c.revoked_at IS NULL OR r.id IS NULL)
        """,
        whole=True,
    ),
    Invariant(
        "An upload is closed exactly when no chunk is pending, and has its outbox event",
        """
        SELECT u.id FROM code_uploads u
        LEFT JOIN code_upload_chunks c ON c.upload_id = u.id
        LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = u.id AND e.type = 'codes-uploaded'
        WHERE u.id >= :recorded
        GROUP BY u.id
        HAVING (u.closed_at IS NOT NULL AND count(c.upload_id) > 0)
            OR (u.status = 'PROCESSING' AND count(c.upload_id) = 0)
            OR (u.status = 'COMPLETED' AND u.added + u.duplicates <> u.total)
            OR count(DISTINCT e.id) <> (u.closed_at IS NOT NULL)::integer
        """,
    ),
)
