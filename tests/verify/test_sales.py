"""Sales summaries: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "A wallet purchase was completed when it was created, as its ID shows": """
        UPDATE orders SET completed_at = completed_at + interval '61 minutes'
        WHERE payment_method = 'WALLET' AND status = 'COMPLETED'
    """,
    "A refund has the merchant of its order": """
        UPDATE refunds SET merchant_id = o.user_id FROM orders o WHERE o.id = refunds.order_id
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])
