"""How a statement can be refused."""

from app.common.errors import BadRequest


class PeriodInvalid(BadRequest):
    def __init__(self) -> None:
        super().__init__(details={"from": ["Must be before `to`, and in the past."]})


class StatementTooLong(BadRequest):
    code = "STATEMENT_TOO_LONG"
    message = "The period has more transactions than fit into such a document: 100000"

    def __init__(self, *, count: int, maximum: int) -> None:
        super().__init__(
            f"The period has more transactions than fit into such a document: {maximum}",
            details={"count": count, "most": maximum},
        )


class StatementBroken(AssertionError):
    """The postings do not add up: the books are wrong, so nothing is stated."""
