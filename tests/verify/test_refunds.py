"""Refunds and coupons, corrupted on purpose, one way at a time."""

import pytest

from tests.verify.books import Books

#: Invariant → what makes it untrue.
CORRUPTIONS = {
    "An order's refunds are what it says went back, and never more than it": """
        UPDATE orders SET refunded_fee = refunded_fee + 1 WHERE refunded_amount > 0
    """,
    "An order is REFUNDED exactly when all of it went back": """
        UPDATE orders SET status = 'COMPLETED' WHERE status = 'REFUNDED'
    """,
    "A refund has exactly its postings: merchant debit, buyer credit, fee back": """
        UPDATE refunds SET amount = amount + 1
    """,
    "What the gateway is to give back is asked for until it has said so": """
        UPDATE refunds SET next_attempt_at = now()
    """,
    "No posting names a refund that is not there": """
        UPDATE wallet_transactions SET reference_id = gen_random_uuid()
        WHERE reference_type = 'refund'
    """,
    "An approved request for a refund has a refund of its order": """
        UPDATE refund_requests
        SET order_id = (SELECT min(id::text)::uuid FROM orders WHERE id <> refund_requests.order_id)
        WHERE status = 'APPROVED'
    """,
    "A coupon was used as often as it says, and not more often than it may be": """
        UPDATE coupons SET uses = uses + 1
    """,
    "No buyer used a coupon more often than one may": """
        UPDATE coupons SET max_uses_per_user = 0
    """,
    "An order and the use of its coupon agree": """
        UPDATE coupon_uses SET released_at = now()
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])
