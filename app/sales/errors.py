"""Errors of sales queries."""

from typing import Self

from app.common.errors import BadRequest


class PeriodInvalid(BadRequest):
    def __init__(self, problem: str) -> None:
        super().__init__(details={"from": [problem]})

    @classmethod
    def example(cls) -> Self:
        return cls("At most 366 days before `to`.")
