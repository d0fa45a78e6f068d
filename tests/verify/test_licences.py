"""Licences and activations: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

QUANTITY = (
    "A paid licence order has a licence per unit, revoked if refunded; no other order has any"
)
PRODUCT = "A licence belongs to a licence product, and its order is for that product"
REISSUED = "A reissued licence is revoked, and its order has the licence that replaces it"
ACTIVE = "A licence's activation count matches its active machines, within its limit"
EVENTS = "Every licence activation, deactivation and revocation has its outbox event"

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    QUANTITY: "UPDATE licences SET revoked_at = now()",
    PRODUCT: "UPDATE products SET kind = 'PLAIN' WHERE kind = 'LICENCE'",
    REISSUED: "UPDATE licences SET revoked_at = NULL, revocation_reason = NULL",
    ACTIVE: "UPDATE licences SET activations = activations + 1",
    EVENTS: "DELETE FROM outbox_events WHERE type = 'licence-activated'",
}

#: More statements that violate the same invariants.
MORE = [
    (
        QUANTITY,
        """
            UPDATE orders SET status = 'CANCELLED', completed_at = NULL
            WHERE id IN (SELECT order_id FROM licences)
            """,
    ),
    (QUANTITY, "UPDATE licences SET is_withdrawn = false"),
    (QUANTITY, "UPDATE licences SET replaced_by = NULL"),
    (
        REISSUED,
        """
            UPDATE licences SET order_id = (SELECT max(id::text)::uuid FROM orders)
            WHERE replaced_by IS NOT NULL
            """,
    ),
    (PRODUCT, "UPDATE licences SET product_id = (SELECT max(id::text)::uuid FROM users)"),
    (ACTIVE, "UPDATE licences SET activation_limit = 0"),
    (ACTIVE, "UPDATE licence_activations SET deactivated_at = NULL, instance = 'two'"),
    (EVENTS, "DELETE FROM outbox_events WHERE type = 'licence-deactivated'"),
    (EVENTS, "UPDATE licences SET revoked_at = now()"),
]


@pytest.mark.parametrize(("name", "corruption"), [*CORRUPTIONS.items(), *MORE])
def test_a_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
