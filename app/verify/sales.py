"""Assumptions of the sales summaries."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        # Summaries find it by its ID, with a tolerance of one hour (app.sales.repository).
        "A wallet purchase was completed when it was created, as its ID shows",
        """
        SELECT id FROM orders
        WHERE id >= :first AND payment_method = 'WALLET' AND status IN ('COMPLETED', 'REFUNDED')
            AND abs(extract(epoch FROM completed_at - uuid_extract_timestamp(id))) > 3600
        """,
    ),
    Invariant(
        "A refund has the merchant of its order",
        """
        SELECT r.id FROM refunds r JOIN orders o ON o.id = r.order_id
        WHERE r.id >= :first AND r.merchant_id <> o.merchant_id
        """,
    ),
)
