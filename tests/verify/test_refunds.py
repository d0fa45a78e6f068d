"""Refunds and coupons: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "An order's refunded totals match its refunds and never exceed the order": """
        UPDATE orders SET refunded_fee = refunded_fee + 1 WHERE refunded_amount > 0
    """,
    "An order is REFUNDED exactly when it is fully refunded": """
        UPDATE orders SET status = 'COMPLETED' WHERE status = 'REFUNDED'
    """,
    "A refund has exactly its postings: merchant debit, buyer credit, fee refund": """
        UPDATE refunds SET amount = amount + 1
    """,
    "A pending gateway refund is polled until the gateway confirms it": """
        UPDATE refunds SET next_attempt_at = now()
    """,
    "A refund that was settled by hand has succeeded, with its record in the audit log": """
        UPDATE refunds SET settled_by = initiator_id, settlement_reason = 'Paid by cheque'
    """,
    "No posting refers to a missing refund": """
        UPDATE wallet_transactions SET reference_id = gen_random_uuid()
        WHERE reference_type = 'refund'
    """,
    "An approved refund request has a refund of its order": """
        UPDATE refund_requests
        SET order_id = (SELECT min(id::text)::uuid FROM orders WHERE id <> refund_requests.order_id)
        WHERE status = 'APPROVED'
    """,
    "A coupon's use count is correct and within its limit": """
        UPDATE coupons SET uses = uses + 1
    """,
    "No buyer exceeded a coupon's limit per buyer": """
        UPDATE coupons SET max_uses_per_user = 0
    """,
    "An order and its coupon use match": """
        UPDATE coupon_uses SET released_at = now()
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])
