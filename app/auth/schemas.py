"""Shapes of sign-in and accounts."""

from typing import Any

import email_validator
import marshmallow as ma

from app.auth.models import Role
from app.common.fields import Flag, Moment, Schema, Text

# Names like shop.test and shop.local are for trying things out, and welcome.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_EMAIL_EXAMPLE = {"example": "alice@example.com"}
_PASSWORD_EXAMPLE = {"description": "8 to 72 bytes of UTF-8", "example": "SecurePass123!"}


def canonical_email(text: str) -> str | None:
    """The one spelling of an address (RFC 5321, 6531), or None when it cannot be one."""
    try:
        return email_validator.validate_email(text.strip(), check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        return None


class Email(ma.fields.String):
    """An address; whether it can receive mail is not checked."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if (email := canonical_email(value)) is None:
            raise ma.ValidationError("Not a valid email address.")
        return email


class KnownEmail(Text):
    """The address somebody signs in with: in its one spelling, or as typed if it has none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return canonical_email(text) or text


class Password(ma.fields.String):
    """Taken exactly as typed: spaces count."""


class RegisterIn(Schema):
    email = Email(required=True, metadata=_EMAIL_EXAMPLE)
    password = Password(required=True, metadata=_PASSWORD_EXAMPLE)
    role = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([Role.USER, Role.MERCHANT]),
        metadata={"example": "USER"},
    )
    first_name = Text(longest=100, allow_none=True, metadata={"example": "Alice"})
    last_name = Text(longest=100, allow_none=True, metadata={"example": "Jones"})


class LoginIn(Schema):
    email = KnownEmail(longest=320, required=True, metadata=_EMAIL_EXAMPLE)
    password = Password(required=True, metadata=_PASSWORD_EXAMPLE)


class RefreshIn(Schema):
    refresh_token = Text(
        longest=4096,
        required=True,
        metadata={"example": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTkzIn0.c2lnbmVk"},
    )


class PasswordIn(Schema):
    current_password = Password(required=True, metadata={"example": "SecurePass123!"})
    new_password = Password(
        required=True, metadata=_PASSWORD_EXAMPLE | {"example": "EvenMoreSecure456!"}
    )


class ProfileIn(Schema):
    first_name = Text(longest=100, allow_none=True, metadata={"example": "Alice"})
    last_name = Text(longest=100, allow_none=True, metadata={"example": "Jones"})
    email_public = Flag(metadata={"description": "Show my email to everybody who sees my products"})


class ReasonIn(Schema):
    reason = Text(longest=500, required=True, metadata={"example": "Chargeback under review"})


class RegisteredUserOut(Schema):
    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True)
    role = ma.fields.String(required=True)
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)


class SignedInUserOut(Schema):
    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True)
    role = ma.fields.String(required=True)
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(required=True, allow_none=True)
    is_active = ma.fields.Boolean(required=True)


class UserOut(SignedInUserOut):
    email_public = ma.fields.Boolean(required=True)
    last_login_at = Moment(required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class TokensOut(Schema):
    access_token = ma.fields.String(required=True)
    refresh_token = ma.fields.String(required=True)


class RegisterOut(Schema):
    user = ma.fields.Nested(RegisteredUserOut, required=True)
    access_token = ma.fields.String(required=True)
    refresh_token = ma.fields.String(required=True)


class LoginOut(Schema):
    user = ma.fields.Nested(SignedInUserOut, required=True)
    access_token = ma.fields.String(required=True)
    refresh_token = ma.fields.String(required=True)


class SessionOut(Schema):
    id = ma.fields.UUID(required=True)
    user_agent = ma.fields.String(required=True, allow_none=True)
    address = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    last_used_at = Moment(required=True)
    expires_at = Moment(required=True)
    current = ma.fields.Boolean(required=True)
