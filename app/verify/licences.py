"""Licences, their orders and their activations."""

from typing import Final

from app.verify.invariant import Invariant
from app.verify.orders import CHANGED_ORDERS

INVARIANTS: Final = (
    Invariant(
        "A paid licence order has a licence per unit, revoked if refunded; no other order has any",
        f"""
        SELECT o.id FROM orders o JOIN products p ON p.id = o.product_id
        LEFT JOIN licences l ON l.order_id = o.id
        WHERE o.id IN ({CHANGED_ORDERS}) AND p.kind = 'LICENCE'
        GROUP BY o.id
        HAVING count(l.id) FILTER (WHERE l.replaced_by IS NULL)
                <> CASE WHEN o.status IN ('COMPLETED', 'REFUNDED') THEN o.quantity ELSE 0 END
            OR count(l.revoked_at) FILTER (WHERE NOT l.is_withdrawn AND l.replaced_by IS NULL)
                <> o.refunded_units
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        "A licence belongs to a licence product, and its order is for that product",
        """
        SELECT l.id FROM licences l
        LEFT JOIN products p ON p.id = l.product_id AND p.kind = 'LICENCE'
        LEFT JOIN orders o ON o.id = l.order_id AND o.product_id = l.product_id
        WHERE l.id >= :first AND (p.id IS NULL OR o.id IS NULL)
        """,
    ),
    Invariant(
        "A reissued licence is revoked, and its order has the licence that replaces it",
        """
        SELECT l.id FROM licences l
        LEFT JOIN licences r ON r.id = l.replaced_by AND r.order_id = l.order_id
        WHERE l.replaced_by IS NOT NULL AND (l.revoked_at IS NULL OR r.id IS NULL)
        """,
        whole=True,
    ),
    Invariant(
        "A licence's activation count matches its active machines, within its limit",
        """
        SELECT l.id FROM licences l
        LEFT JOIN licence_activations a ON a.licence_id = l.id AND a.deactivated_at IS NULL
        GROUP BY l.id
        HAVING l.activations <> count(a.id) OR l.activations > l.activation_limit
            OR count(a.id) <> count(DISTINCT a.instance)
        """,
        whole=True,
    ),
    Invariant(
        "Every licence activation, deactivation and revocation has its outbox event",
        """
        SELECT l.id FROM licences l
        LEFT JOIN (
            SELECT licence_id, count(*) AS begun, count(deactivated_at) AS ended
            FROM licence_activations GROUP BY 1
        ) a ON a.licence_id = l.id
        LEFT JOIN (
            SELECT aggregate_id, count(*) FILTER (WHERE type = 'licence-activated') AS begun,
                count(*) FILTER (WHERE type = 'licence-deactivated') AS ended,
                count(*) FILTER (WHERE type = 'licence-revoked') AS revoked
            FROM outbox_events WHERE id >= :related AND aggregate_type = 'licence' GROUP BY 1
        ) e ON e.aggregate_id = l.id
        WHERE l.id >= :recorded AND (coalesce(a.begun, 0) <> coalesce(e.begun, 0)
            OR coalesce(a.ended, 0) <> coalesce(e.ended, 0)
            OR coalesce(e.revoked, 0) <> (l.revoked_at IS NOT NULL)::integer)
        """,
    ),
)
