"""Images: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → statements that violate it.
CORRUPTIONS = {
    "Images that are shown have their sizes, whose content is stored": (
        "UPDATE images SET bytes = bytes + 1",
        "DELETE FROM image_sizes",
        "UPDATE image_sizes SET bytes = bytes + 1; UPDATE images SET bytes = bytes + 1",
        "UPDATE file_contents SET removing_at = now()",
    ),
    "The content of an image was present at the last check": (
        "UPDATE file_contents SET missing_at = now()",
    ),
    "The images of a product are its merchant's, not deleted, and numbered from 1": (
        "UPDATE images SET retired_at = now()",
        "UPDATE product_images SET position = position + 1",
        "UPDATE images SET merchant_id = (SELECT id FROM users WHERE id <> merchant_id LIMIT 1)",
        "UPDATE products SET is_active = false, deleted_at = now()",
    ),
    "The logo of a shop is its merchant's, and not deleted": (
        "UPDATE images SET retired_at = now()",
        "UPDATE shop_logos"
        " SET merchant_id = (SELECT id FROM users WHERE id <> merchant_id LIMIT 1)",
    ),
}


@pytest.mark.parametrize(
    ("name", "corruption"),
    [(name, statement) for name, statements in CORRUPTIONS.items() for statement in statements],
)
def test_a_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
