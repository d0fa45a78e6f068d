"""Why a statement cannot be reconciled."""

from collections.abc import Mapping, Sequence
from typing import Self

from app.common.errors import BadRequest


class StatementInvalid(BadRequest):
    """problems: by line of the file, or by parameter."""

    code = "STATEMENT_INVALID"
    message = "Invalid statement"

    def __init__(self, problems: Mapping[str, Sequence[str]]) -> None:
        self.texts = [f"{where}: {text}" for where, found in problems.items() for text in found]
        more = f" (and {len(self.texts) - 1} more)" if len(self.texts) > 1 else ""
        super().__init__(
            f"Invalid statement: {self.texts[0]}{more}",
            details={where: list(found) for where, found in problems.items()},
        )

    @classmethod
    def example(cls) -> Self:
        return cls({"line 3: amount": ["must be an amount of USD such as 12.50"]})
