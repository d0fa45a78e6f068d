"""Codes and uploads: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

STOCK = "The stock of a code product is its number of unassigned codes"
QUANTITY = "An order of codes has its unreturned codes, and revoked ones for units not restocked"
PRODUCT = "A code belongs to a code product, and its order is for that product"
REISSUED = "A reissued code is revoked, and its order has the code that replaces it"
UNIQUE = "No product has a code twice"
TIMESTAMPS = "A code's timestamps match its state"
UPLOAD = "An upload is closed exactly when no chunk is pending, and has its outbox event"

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    STOCK: "UPDATE products SET available_units = available_units + 1 WHERE kind = 'CODES'",
    QUANTITY: "UPDATE product_codes SET order_id = NULL, taken_at = NULL, seen_at = NULL",
    PRODUCT: "UPDATE products SET kind = 'PLAIN' WHERE kind = 'CODES'",
    REISSUED: "UPDATE product_codes SET revoked_at = NULL, revocation_reason = NULL",
    UNIQUE: "UPDATE product_codes SET fingerprint = 'same'",
    TIMESTAMPS: "UPDATE product_codes SET taken_at = NULL",
    UPLOAD: "DELETE FROM code_upload_chunks",
}

#: More statements that violate the same invariants.
MORE = [
    (STOCK, "DELETE FROM product_codes WHERE order_id IS NULL"),
    (QUANTITY, "UPDATE product_codes SET is_withdrawn = false"),
    (
        REISSUED,
        """
            UPDATE product_codes SET order_id = (SELECT max(id::text)::uuid FROM orders)
            WHERE replaced_by IS NOT NULL
            """,
    ),
    (QUANTITY, "UPDATE orders SET quantity = quantity + 1"),
    (
        QUANTITY,
        """
            UPDATE orders SET status = 'CANCELLED', completed_at = NULL
            WHERE id IN (SELECT order_id FROM product_codes)
            """,
    ),
    (
        QUANTITY,
        """
            UPDATE product_codes SET taken_at = now(), order_id = (
                SELECT order_id FROM product_codes WHERE order_id IS NOT NULL LIMIT 1
            ) WHERE order_id IS NULL
            """,
    ),
    (
        PRODUCT,
        """
            UPDATE product_codes SET order_id = (
                SELECT o.id FROM orders o JOIN products p ON p.id = o.product_id
                WHERE p.kind = 'PLAIN' LIMIT 1
            ) WHERE order_id IS NOT NULL
            """,
    ),
    (TIMESTAMPS, "UPDATE product_codes SET seen_at = taken_at - interval '1 second'"),
    (TIMESTAMPS, "UPDATE product_codes SET seen_at = NULL, revoked_at = taken_at"),
    (UPLOAD, "DELETE FROM outbox_events WHERE type = 'codes-uploaded'"),
    (UPLOAD, "UPDATE code_uploads SET closed_at = now()"),
    (UPLOAD, "UPDATE code_uploads SET total = total + 1"),
]


@pytest.mark.parametrize(("name", "corruption"), [*CORRUPTIONS.items(), *MORE])
def test_a_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
