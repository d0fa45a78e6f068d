"""Schemas of verifying email addresses and phone numbers."""

import re
from typing import Any, Final

import marshmallow as ma

from app.auth.handles.phones import DIGITS
from app.auth.schemas import Code, NewEmail, Password, Phone
from app.common.examples import EXAMPLE_PASSWORD
from app.common.fields import Schema, Text
from app.common.text import typed_code

_PATTERN: Final = f"[0-9]{{{DIGITS}}}"


class PhoneCode(ma.fields.String):
    """The code of a text message, normalized."""

    def __init__(self, **kwargs: Any) -> None:
        documented = {
            "description": "Code from the text message",
            "pattern": f"^{_PATTERN}$",
            "example": "492039",
        }
        super().__init__(metadata=documented, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        code = typed_code(value).replace(" ", "").replace("-", "")
        if not re.fullmatch(_PATTERN, code):
            raise ma.ValidationError(f"Must be {DIGITS} digits.")
        return code


class ChangeEmailIn(Schema):
    new_email = NewEmail(required=True, metadata={"example": "alice.new@example.com"})
    password = Password(required=True, metadata={"example": EXAMPLE_PASSWORD})
    code = Code(allow_none=True)


class ConfirmEmailVerificationIn(Schema):
    verification_token = Text(
        max_length=48,
        required=True,
        metadata={
            "description": "The last part of the address in the mail",
            "example": "AZk8Hnwae1KfbisPC29_EQp3mT0vKcH2nXw8yLr5sBgJkMqT",
        },
    )


class RequestPhoneVerificationIn(Schema):
    phone = Phone(required=True)


class ConfirmPhoneVerificationIn(Schema):
    phone_code = PhoneCode(required=True)
