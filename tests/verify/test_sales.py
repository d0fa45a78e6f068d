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
    "Days are summed without a gap": """
        INSERT INTO summed_days SELECT min(day) - 2, now() FROM summed_days
    """,
    "The sums of a day are those of its orders and refunds": """
        UPDATE daily_sales SET fee_refunds = fee_refunds + 1 WHERE refunds > 0
    """,
    "The sums of a quarter of an hour are those of its orders and refunds": """
        UPDATE quarter_hour_sales SET net = net + 1 WHERE refunds > 0
    """,
    "The buyers of a day are those of its orders": """
        UPDATE buyer_days SET buyer_id = uuidv7() WHERE buyer_id = '{buyer}'
    """,
    "The buyers of a day are counted by the day on which they bought before": """
        UPDATE daily_buyers SET previous_day = day - 1
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize(
    "corruption",
    [
        "DELETE FROM daily_sales WHERE refunds = 0",
        "DELETE FROM summed_days",
        "UPDATE refunds SET amount = amount - 1",
        "UPDATE orders SET quantity = quantity + 1 WHERE status = 'COMPLETED'",
        "UPDATE orders SET status = 'COMPLETED', completed_at = created_at WHERE status = 'FAILED'",
    ],
)
def test_sums_that_differ_in_any_way_are_found(books: Books, corruption: str) -> None:
    corrupted = corruption.replace("daily_sales", "quarter_hour_sales")
    for sums, statement in (("day", corruption), ("quarter of an hour", corrupted)):
        broken = f"The sums of a {sums} are those of its orders and refunds"
        assert broken in books.broken_by(statement)


@pytest.mark.parametrize(
    "corruption",
    [
        "DELETE FROM buyer_days WHERE buyer_id = '{buyer}'",
        "INSERT INTO buyer_days SELECT uuidv7(), currency, buyer_id, day FROM buyer_days LIMIT 1",
    ],
)
def test_a_missing_and_an_additional_buyer_are_found(books: Books, corruption: str) -> None:
    assert "The buyers of a day are those of its orders" in books.broken_by(corruption)
