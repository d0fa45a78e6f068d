"""How looking at sales can be refused."""

from typing import Self

from app.common.errors import BadRequest


class PeriodInvalid(BadRequest):
    def __init__(self, problem: str) -> None:
        super().__init__(details={"from": [problem]})

    @classmethod
    def example(cls) -> Self:
        return cls("At most 366 days before `to`.")
