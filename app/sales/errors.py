"""How looking at sales can be refused."""

from app.common.errors import BadRequest


class PeriodInvalid(BadRequest):
    def __init__(self, problem: str) -> None:
        super().__init__(details={"from": [problem]})
