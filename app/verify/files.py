"""Files on sale, their deliveries and their downloads."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "A file product is ready for sale exactly when it has a current file",
        """
        SELECT p.id FROM products p
        LEFT JOIN product_files f ON f.product_id = p.id AND f.retired_at IS NULL
        GROUP BY p.id
        HAVING count(f.id) > 1 OR (count(f.id) = 1) <> (p.kind = 'FILE' AND p.is_ready)
        """,
    ),
    Invariant(
        "Current files have stored content, stored once per hash",
        """
        SELECT f.id FROM product_files f JOIN file_contents c ON c.id = f.content_id
        WHERE f.retired_at IS NULL AND c.removing_at IS NOT NULL
        UNION ALL
        SELECT min(id::text)::uuid FROM file_contents WHERE removing_at IS NULL
        GROUP BY sha256 HAVING count(*) > 1
        """,
    ),
    Invariant(
        # A background job checks the storage, because a query cannot.
        "The content of a file on sale was present at the last check",
        """
        SELECT c.id FROM file_contents c
        WHERE c.missing_at IS NOT NULL AND EXISTS (
            SELECT FROM product_files f WHERE f.content_id = c.id AND f.retired_at IS NULL)
        """,
    ),
    Invariant(
        "A paid file order has its delivery, and a delivery has its paid order",
        """
        SELECT coalesce(o.id, d.order_id) FROM (
            SELECT o.id, o.user_id, o.product_id, o.quantity, o.completed_at
            FROM orders o JOIN products p ON p.id = o.product_id
            WHERE o.id >= :first AND p.kind = 'FILE'
        ) AS o FULL JOIN (SELECT * FROM file_deliveries WHERE order_id >= :first) d
            ON d.order_id = o.id
        WHERE (o.completed_at IS NULL) <> (d.delivered_at IS NULL)
            OR (d.order_id IS NOT NULL AND (o.id IS NULL OR d.buyer_id <> o.user_id
                OR d.product_id <> o.product_id OR d.quantity <> o.quantity))
        """,
    ),
    Invariant(
        "Downloads do not exceed their order's limit, and each is recorded",
        """
        SELECT d.order_id FROM file_deliveries d
        LEFT JOIN file_downloads l ON l.order_id = d.order_id
        GROUP BY d.order_id
        HAVING d.downloads > d.downloads_allowed OR d.downloads <> count(l.id)
            OR d.revoked_units NOT BETWEEN 0 AND d.quantity
        """,
        whole=True,
    ),
    Invariant(
        "A link serves a file of the purchased product, at most three times",
        """
        SELECT l.id FROM file_downloads l
        JOIN file_deliveries d ON d.order_id = l.order_id
        JOIN product_files f ON f.id = l.file_id JOIN file_contents c ON c.id = f.content_id
        WHERE l.begun_at >= :since AND (f.product_id <> d.product_id OR l.budget <> 3 * c.size
            OR l.served NOT BETWEEN 0 AND l.budget)
        """,
    ),
    Invariant(
        "Every upload and every download has its outbox event",
        """
        SELECT f.id FROM product_files f LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = f.product_id
            AND e.type = 'product-file-uploaded' AND e.data->>'version' = f.version::text
        WHERE f.id >= :recorded AND e.id IS NULL
        UNION ALL
        SELECT l.id FROM file_downloads l LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = l.order_id AND e.type = 'file-downloaded'
            AND e.data->>'downloadId' = l.id::text
        WHERE l.begun_at >= :recorded_since AND e.id IS NULL
        """,
    ),
)
