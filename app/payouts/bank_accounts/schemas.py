"""Schemas of bank accounts. Responses contain only the last characters of a number."""

import re
from typing import Any

import marshmallow as ma

from app.auth.schemas import Code, Password
from app.common.examples import EXAMPLE_PASSWORD
from app.common.fields import Schema, Text, Timestamp
from app.common.text import typed_code


class AlphanumericCode(ma.fields.String):
    """Letters and digits; spaces, hyphens and case are normalized."""

    def __init__(self, *, min_length: int, max_length: int, metadata: dict[str, Any]) -> None:
        self._pattern = rf"^[ -]*([A-Za-z0-9][ -]*){{{min_length},{max_length}}}$"
        self._message = f"Must be {min_length} to {max_length} letters and digits."
        super().__init__(required=True, metadata={"pattern": self._pattern, **metadata})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        code = typed_code(value)
        if not re.fullmatch(self._pattern.strip("^$"), code):
            raise ma.ValidationError(self._message)
        return code.replace(" ", "").replace("-", "").upper()


class CreateBankAccountIn(Schema):
    provider = Text(
        max_length=16,
        required=True,
        metadata={"description": "Code of the bank, such as HDFC or AXIS", "example": "HDFC"},
    )
    holder = Text(
        max_length=100,
        required=True,
        metadata={"description": "Name of the account holder", "example": "Alice Jones"},
    )
    number = AlphanumericCode(
        min_length=8,
        max_length=34,
        metadata={"description": "Account number or IBAN", "example": "50100123453456"},
    )
    routing = AlphanumericCode(
        min_length=4,
        max_length=15,
        metadata={
            "description": "Bank identifier: IFSC, BIC, routing number or sort code",
            "example": "HDFC0001234",
        },
    )
    label = Text(max_length=50, allow_none=True, metadata={"example": "Savings"})
    password = Password(required=True, metadata={"example": EXAMPLE_PASSWORD})
    code = Code(allow_none=True)


class BankAccountOut(Schema):
    id = ma.fields.UUID(required=True)
    provider = ma.fields.String(required=True, metadata={"example": "HDFC"})
    holder = ma.fields.String(required=True, metadata={"example": "Alice Jones"})
    number = ma.fields.String(
        required=True,
        metadata={"description": "Masked: only the last digits", "example": "••••••3456"},
    )
    routing = ma.fields.String(required=True, metadata={"example": "HDFC0001234"})
    label = ma.fields.String(required=True, allow_none=True, metadata={"example": "Savings"})
    created_at = Timestamp(required=True)
