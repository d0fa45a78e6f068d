"""Errors of statements."""

from typing import Self

from app.common.errors import BadRequest


class StatementTooLong(BadRequest):
    code = "STATEMENT_TOO_LONG"
    message = "The period has too many transactions for this format"

    def __init__(self, *, count: int, maximum: int) -> None:
        super().__init__(
            f"The period has {count:,} transactions; this format allows at most {maximum:,}",
            details={"count": count, "most": maximum},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(count=1_250_000, maximum=1_000_000)


class StatementInconsistent(AssertionError):
    """The postings do not add up: the ledger is inconsistent, so no statement is issued."""
