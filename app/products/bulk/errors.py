"""Errors of the import."""

from typing import Final, Self

from app.common.errors import BadRequest

#: Lines listed in an error, because every line of a wrong file is invalid.
MAX_LISTED: Final = 100

#: Messages by line and field; the field "" is the line as a whole.
Problems = dict[int, dict[str, list[str]]]


class ImportInvalid(BadRequest):
    def __init__(self, problems: Problems) -> None:
        listed = sorted(problems.items())[:MAX_LISTED]
        details = {
            f"line {line}: {field}" if field else f"line {line}": messages
            for line, fields in listed
            for field, messages in fields.items()
        }
        if more := len(problems) - len(listed):
            details["more"] = [f"{more} more lines with problems."]
        super().__init__(details=details)

    @classmethod
    def example(cls) -> Self:
        return cls({3: {"price": ["Must be an amount such as 19.99."]}})
