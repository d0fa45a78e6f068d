"""Risk screening: each invariant detects its corruption."""

import pytest

from tests.verify.books import Books

#: Invariant → a statement that violates it.
CORRUPTIONS = {
    "The totals of a user's risk decisions follow from each other": """
        UPDATE risk_decisions SET count_total = count_total + 1
        WHERE id = (SELECT id FROM risk_decisions WHERE ordinal = 2 LIMIT 1)
    """,
    "Every risk decision has its rules, with an outcome that matches its case": """
        UPDATE risk_decisions SET ruleset = 99 WHERE ruleset IS NOT NULL
    """,
    "A case agrees with its decision and its hold, which is active until it is decided": """
        UPDATE risk_cases SET amount = amount + 1 WHERE status = 'OPEN'
    """,
    "Every hold of a review has its case": """
        DELETE FROM risk_cases WHERE status = 'OPEN'
    """,
    "An order is under review exactly as long as its case is open": """
        UPDATE orders SET status = 'PENDING_REVIEW' WHERE status = 'CANCELLED' OR failed_at
            IS NOT NULL
    """,
    "A payment was made exactly if its case was released": """
        UPDATE risk_cases SET result_id = NULL WHERE status = 'RELEASED'
    """,
    "Every payment under review has its outbox events: under review, and reviewed": """
        DELETE FROM outbox_events WHERE type = 'payment-reviewed'
    """,
}

#: More statements that violate the same invariants.
VARIATIONS = [
    (
        "The totals of a user's risk decisions follow from each other",
        "UPDATE risk_decisions SET sum_total = sum_total + 1 WHERE ordinal = 3",
    ),
    (
        "The totals of a user's risk decisions follow from each other",
        "UPDATE risk_decisions SET refused_total = 7 WHERE ordinal = 3",
    ),
    (
        "Every risk decision has its rules, with an outcome that matches its case",
        "UPDATE risk_decisions SET outcome = 'REVIEW' WHERE outcome = 'APPROVE'",
    ),
    (
        "A case agrees with its decision and its hold, which is active until it is decided",
        "UPDATE risk_cases SET status = 'OPEN' WHERE status = 'REJECTED'",
    ),
    (
        "A case agrees with its decision and its hold, which is active until it is decided",
        "UPDATE wallet_holds SET reference_id = id WHERE reference_type = 'review'",
    ),
    (
        "An order is under review exactly as long as its case is open",
        "UPDATE orders SET status = 'COMPLETED' WHERE status = 'PENDING_REVIEW'",
    ),
    (
        "A payment was made exactly if its case was released",
        "UPDATE risk_cases SET result_id = gen_random_uuid()"
        " WHERE status = 'RELEASED' AND kind <> 'PURCHASE'",
    ),
    (
        "A payment was made exactly if its case was released",
        "UPDATE orders SET status = 'FAILED' WHERE id IN (SELECT reference_id FROM risk_cases"
        " WHERE status = 'RELEASED')",
    ),
    (
        "Every payment under review has its outbox events: under review, and reviewed",
        "DELETE FROM outbox_events WHERE type = 'payment-under-review'",
    ),
]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(books: Books, name: str) -> None:
    assert name in books.broken_by(CORRUPTIONS[name])


@pytest.mark.parametrize(("name", "corruption"), VARIATIONS)
def test_another_corruption_is_found(books: Books, name: str, corruption: str) -> None:
    assert name in books.broken_by(corruption)
