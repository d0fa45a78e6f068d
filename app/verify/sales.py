"""What summaries of sales go by."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        # It is found by its id, with an hour of slack (app.sales.repository).
        "A purchase from a wallet was completed when it was made, as its id tells",
        """
        SELECT id FROM orders
        WHERE payment_method = 'WALLET' AND status IN ('COMPLETED', 'REFUNDED')
            AND abs(extract(epoch FROM completed_at - uuid_extract_timestamp(id))) > 3600
        """,
    ),
    Invariant(
        "A refund names the merchant of its order",
        """
        SELECT r.id FROM refunds r JOIN orders o ON o.id = r.order_id
        WHERE r.merchant_id <> o.merchant_id
        """,
    ),
)
