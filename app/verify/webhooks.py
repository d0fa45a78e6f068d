"""Webhook endpoints and their deliveries."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "Exactly the waiting webhook deliveries have a next attempt",
        """
        SELECT id FROM webhook_deliveries
        WHERE (status = 'WAITING') <> (next_attempt_at IS NOT NULL)
        """,
    ),
    Invariant(
        "A held webhook delivery waits for an earlier one of its aggregate",
        """
        SELECT d.id FROM webhook_deliveries d
        WHERE d.status = 'HELD' AND NOT EXISTS (
            SELECT FROM webhook_deliveries earlier
            WHERE earlier.endpoint_id = d.endpoint_id AND earlier.aggregate_id = d.aggregate_id
                AND earlier.position < d.position AND earlier.status IN ('WAITING', 'HELD'))
        """,
    ),
    Invariant(
        "A webhook endpoint has a current secret, unless it was deleted",
        """
        SELECT e.id FROM webhook_endpoints e
        LEFT JOIN webhook_secrets s ON s.endpoint_id = e.id AND s.expires_at IS NULL
        WHERE (s.id IS NULL) <> (e.deleted_at IS NOT NULL)
        """,
    ),
)
