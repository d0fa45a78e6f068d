"""Why a statement cannot be compared with our books."""

from collections.abc import Mapping, Sequence

from app.common.errors import BadRequest


class StatementInvalid(BadRequest):
    """problems: by line of the file, or by what else is wrong."""

    code = "STATEMENT_INVALID"
    message = "The statement cannot be used: line 3: amount: not an amount of USD"

    def __init__(self, problems: Mapping[str, Sequence[str]]) -> None:
        self.texts = [f"{where}: {text}" for where, found in problems.items() for text in found]
        more = f" (and {len(self.texts) - 1} more)" if len(self.texts) > 1 else ""
        super().__init__(
            f"The statement cannot be used: {self.texts[0]}{more}",
            details={where: list(found) for where, found in problems.items()},
        )
