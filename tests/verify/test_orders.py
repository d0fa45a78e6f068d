"""Orders and stock: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it. {buyer} is the buyer's id.
CORRUPTIONS = {
    "Stock: initial + restocked = available + sold - returned to stock, never negative": """
        UPDATE products SET available_units = available_units + 1
    """,
    "A paid order has exactly its postings: buyer debit, merchant credit, fee": """
        UPDATE orders SET fee = fee + 1
    """,
    "No other order has postings, and no posting refers to a missing order": """
        UPDATE orders SET status = 'CANCELLED', completed_at = NULL
    """,
    "An order paid at the gateway has its checkout and exactly one gateway payment": """
        UPDATE orders SET payment_method = 'GATEWAY' WHERE payment_method = 'WALLET'
    """,
    "Exactly the pending checkouts are polled at the gateway": """
        UPDATE checkouts SET next_attempt_at = now()
    """,
    "An order's amount, fee and quantity are consistent": """
        UPDATE orders SET unit_price = unit_price + 1
    """,
    "A giveaway has given as many units as its orders have, for free, of its product": """
        UPDATE giveaways SET units = units - 1 WHERE kind = 'LINK' AND units > 0
    """,
    "An order's timestamps match its status": """
        UPDATE orders SET completed_at = NULL
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])
