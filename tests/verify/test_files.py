"""Files and their downloads: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "A file product is ready for sale exactly when it has a current file": """
        UPDATE products SET is_ready = false WHERE kind = 'FILE'
    """,
    "Current files have stored content, stored once per hash": """
        UPDATE file_contents SET removing_at = now()
    """,
    "The content of a file on sale was present at the last check": """
        UPDATE file_contents SET missing_at = now()
    """,
    "A paid file order has its delivery, and a delivery has its paid order": """
        UPDATE file_deliveries SET quantity = quantity + 1
    """,
    "Downloads do not exceed their order's limit, and each is recorded": """
        UPDATE file_deliveries SET downloads = downloads + 1
    """,
    "A link serves a file of the purchased product, at most three times": """
        UPDATE file_downloads SET served = budget + 1
    """,
    "Every upload and every download has its outbox event": """
        DELETE FROM outbox_events WHERE type = 'file-downloaded'
    """,
}

#: More statements that violate the same invariants.
OTHER_CORRUPTIONS = {
    "A file product is ready for sale exactly when it has a current file": """
        UPDATE product_files SET retired_at = NULL
    """,
    "Current files have stored content, stored once per hash": """
        UPDATE file_contents SET sha256 = repeat('0', 64)
    """,
    "A paid file order has its delivery, and a delivery has its paid order": """
        UPDATE file_deliveries SET delivered_at = NULL
    """,
    "Downloads do not exceed their order's limit, and each is recorded": """
        UPDATE file_deliveries SET downloads_allowed = 0
    """,
    "A link serves a file of the purchased product, at most three times": """
        UPDATE file_downloads SET budget = budget * 2
    """,
    "Every upload and every download has its outbox event": """
        UPDATE product_files SET version = version + 1
    """,
}


@pytest.mark.parametrize(("name", "corruption"), [*CORRUPTIONS.items(), *OTHER_CORRUPTIONS.items()])
def test_a_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
