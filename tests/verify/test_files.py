"""Files and their downloads, corrupted on purpose, one way at a time."""

import pytest

from tests.verify.books import Books

#: Invariant → what makes it untrue.
CORRUPTIONS = {
    "A product of files is on sale exactly when it has one": """
        UPDATE products SET is_ready = false WHERE kind = 'FILE'
    """,
    "What a file offers is kept, once for the same bytes": """
        UPDATE file_contents SET removing_at = now()
    """,
    "What is sold was there when somebody last looked": """
        UPDATE file_contents SET missing_at = now()
    """,
    "A paid order of a file has its delivery, and a delivery has its paid order": """
        UPDATE file_deliveries SET quantity = quantity + 1
    """,
    "Downloads are within what their order allows, and each is recorded": """
        UPDATE file_deliveries SET downloads = downloads + 1
    """,
    "A link serves a file of what was bought, three times at most": """
        UPDATE file_downloads SET served = budget + 1
    """,
    "Every upload and every download has its outbox row": """
        DELETE FROM outbox_events WHERE type = 'file-downloaded'
    """,
}

#: More ways to break the same rules.
OTHER_CORRUPTIONS = {
    "A product of files is on sale exactly when it has one": """
        UPDATE product_files SET retired_at = NULL
    """,
    "What a file offers is kept, once for the same bytes": """
        UPDATE file_contents SET sha256 = repeat('0', 64)
    """,
    "A paid order of a file has its delivery, and a delivery has its paid order": """
        UPDATE file_deliveries SET delivered_at = NULL
    """,
    "Downloads are within what their order allows, and each is recorded": """
        UPDATE file_deliveries SET downloads_allowed = 0
    """,
    "A link serves a file of what was bought, three times at most": """
        UPDATE file_downloads SET budget = budget * 2
    """,
    "Every upload and every download has its outbox row": """
        UPDATE product_files SET version = version + 1
    """,
}


@pytest.mark.parametrize(("name", "corruption"), [*CORRUPTIONS.items(), *OTHER_CORRUPTIONS.items()])
def test_a_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
