"""Images and where they are shown."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "Images that are shown have their sizes, whose content is stored",
        """
        SELECT i.id FROM images i
        LEFT JOIN image_sizes s ON s.image_id = i.id
        LEFT JOIN file_contents c ON c.id = s.content_id
        WHERE i.retired_at IS NULL
        GROUP BY i.id
        HAVING i.bytes IS DISTINCT FROM sum(s.bytes)
            OR bool_or(s.bytes <> c.size OR c.removing_at IS NOT NULL)
        """,
    ),
    Invariant(
        # A background job checks the storage, because a query cannot.
        "The content of an image was present at the last check",
        """
        SELECT c.id FROM file_contents c
        WHERE c.missing_at IS NOT NULL AND EXISTS (
            SELECT FROM image_sizes s JOIN images i ON i.id = s.image_id
            WHERE s.content_id = c.id AND i.retired_at IS NULL)
        """,
    ),
    Invariant(
        "The images of a product are its merchant's, not deleted, and numbered from 1",
        """
        SELECT p.id FROM products p
        JOIN product_images pi ON pi.product_id = p.id
        JOIN images i ON i.id = pi.image_id
        GROUP BY p.id
        HAVING p.deleted_at IS NOT NULL
            OR bool_or(i.retired_at IS NOT NULL OR i.merchant_id <> p.merchant_id)
            OR max(pi.position) <> count(*) OR count(DISTINCT pi.position) <> count(*)
        """,
    ),
    Invariant(
        "The logo of a shop is its merchant's, and not deleted",
        """
        SELECT l.merchant_id FROM shop_logos l JOIN images i ON i.id = l.image_id
        WHERE i.retired_at IS NOT NULL OR i.merchant_id <> l.merchant_id
        """,
    ),
)
