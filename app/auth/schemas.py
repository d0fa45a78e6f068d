"""Schemas of accounts, sign-in and API keys."""

import re
from typing import Any, Final

import email_validator
import marshmallow as ma
import phonenumbers

from app.auth.api_keys import service as api_keys
from app.auth.confusables import CONFUSABLE, is_confusable
from app.auth.models import Role
from app.auth.scopes import DESCRIPTIONS, Scope
from app.auth.two_factor import service as two_factor
from app.common.examples import EXAMPLE_EMAIL, EXAMPLE_PASSWORD, EXAMPLE_PHONE
from app.common.fields import Choice, Flag, Schema, Text, TextLines, Timestamp
from app.common.locales import LocaleTag
from app.common.pagination import page_of
from app.common.text import typed_code, visible_text
from app.common.time_zone import TimeZone

# Test addresses such as alice@shop.test are allowed.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

#: A number with country code. The library alone would also find a number within other text.
_PHONE_TEXT: Final = re.compile(r"\+[0-9][0-9 ().-]{5,30}")

#: More than RFC 5321 (4.5.3.1) allows, in characters that may be composed.
_MAX_EMAIL: Final = 1000
#: The + and 15 digits.
_MAX_PHONE: Final = 16

EMAIL_EXAMPLE = {"example": EXAMPLE_EMAIL}
PASSWORD_EXAMPLE = {
    "description": "8 to 72 bytes of UTF-8 in the form NFC",
    "example": EXAMPLE_PASSWORD,
}
_IN_COOKIE: Final = {
    "description": "Token that gets the next pair of tokens, once; null if it is in the cookie that"
    " `X-Refresh-Cookie` asks for"
}
_ZONE: Final = {
    "description": "IANA name of the user's time zone, which notifications and reports have",
    "example": "Asia/Kolkata",
}


def canonical_email(text: str) -> str | None:
    """The normalized address (RFC 5321, 6531), or None if it is invalid."""
    text = visible_text(text)
    if len(text) > _MAX_EMAIL:
        return None
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        return None


def canonical_phone(text: str) -> str | None:
    """The normalized phone number (E.164), or None if it is invalid."""
    text = typed_code(text)
    if not _PHONE_TEXT.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    spelt = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # The library accepts a few longer numbers, which E.164 does not allow.
    return spelt if len(spelt) <= _MAX_PHONE else None


class Email(ma.fields.String):
    """An email address. Whether it can receive mail is not checked."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if (email := canonical_email(value)) is None:
            raise ma.ValidationError("Not a valid email address.")
        return email


class NewEmail(Email):
    """An email address that an account is to have. One that looks like another one is refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        email = super()._deserialize(value, attr, data, **kwargs)
        if is_confusable(email):
            raise ma.ValidationError(CONFUSABLE)
        return email


class KnownEmail(Text):
    """The address of a sign-in: normalized, or as typed if it is invalid."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        known = canonical_email(value) if isinstance(value, str) else None
        return known or super()._deserialize(value, attr, data, **kwargs)


class Phone(ma.fields.String):
    """A phone number with country code."""

    def __init__(self, *, example: str | None = EXAMPLE_PHONE, **kwargs: Any) -> None:
        documented = {
            "description": "With + and the country code; stored in E.164 format",
            "pattern": f"^{_PHONE_TEXT.pattern}$",
        } | ({"example": example} if example else {})
        super().__init__(metadata=documented, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if (phone := canonical_phone(value)) is None:
            raise ma.ValidationError("Not a phone number with + and its country code.")
        return phone


class Password(ma.fields.String):
    """Kept exactly as typed, including spaces."""


class Code(ma.fields.String):
    """A two-factor code, normalized."""

    def __init__(self, **kwargs: Any) -> None:
        documented = {
            "description": "Code from the authenticator app, or a recovery code",
            "pattern": f"^({two_factor.CODE_PATTERN})$",
            "example": "492039",
        }
        super().__init__(metadata=documented, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if (code := two_factor.canonical_code(value)) is None:
            raise ma.ValidationError("Must be 6 digits or a recovery code.")
        return code


class RegisterUserIn(Schema):
    email = NewEmail(required=True, metadata={"example": "alice@example.com"})
    password = Password(required=True, metadata=PASSWORD_EXAMPLE)
    role = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([Role.USER, Role.MERCHANT]),
        metadata={"example": "USER"},
    )
    first_name = Text(max_length=100, allow_none=True, metadata={"example": "Alice"})
    last_name = Text(max_length=100, allow_none=True, metadata={"example": "Jones"})


class LoginIn(Schema):
    email = KnownEmail(
        max_length=320,
        required=True,
        metadata={
            "description": "Email address; of an account with neither address nor phone number, its"
            " ID",
            **EMAIL_EXAMPLE,
        },
    )
    password = Password(required=True, metadata=PASSWORD_EXAMPLE)


class LoginByPhoneIn(Schema):
    phone = Phone(required=True)
    password = Password(required=True, metadata=PASSWORD_EXAMPLE)


class RefreshTokensIn(Schema):
    refresh_token = Text(
        max_length=4096,
        required=True,
        metadata={"example": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTkzIn0.c2lnbmVk"},
    )


class UpdateCurrentUserIn(Schema):
    first_name = Text(max_length=100, allow_none=True, metadata={"example": "Alice"})
    last_name = Text(max_length=100, allow_none=True, metadata={"example": "Jones"})
    email_public = Flag(
        metadata={"description": "Whether the email address is shown with the user's products"}
    )
    phone = Phone(allow_none=True)
    locale = LocaleTag()
    time_zone = TimeZone(metadata=_ZONE)
    email = NewEmail(
        metadata={"description": "Only for an account without an email address", **EMAIL_EXAMPLE}
    )


class ReasonIn(Schema):
    reason = TextLines(
        max_length=500, required=True, metadata={"example": "Chargeback under review"}
    )


class RegisteredUserOut(Schema):
    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True, allow_none=True)
    role = Choice(Role, required=True)
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)


class SignedInUserOut(Schema):
    id = ma.fields.UUID(required=True)
    email = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "null if the account was created with a phone number, or with an address"
            " that it has only once it is verified"
        },
    )
    role = Choice(Role, required=True)
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(required=True, allow_none=True)
    is_active = ma.fields.Boolean(required=True)


class UserOut(SignedInUserOut):
    email_public = ma.fields.Boolean(required=True)
    last_login_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    phone = ma.fields.String(required=True, allow_none=True, metadata={"example": EXAMPLE_PHONE})
    email_verified_at = Timestamp(required=True, allow_none=True)
    phone_verified_at = Timestamp(required=True, allow_none=True)
    locale = ma.fields.String(
        required=True,
        metadata={
            "description": "How amounts and dates are written in notifications (BCP 47); at"
            " registration that of `Accept-Language`",
            "example": "en-GB",
        },
    )
    time_zone = ma.fields.String(required=True, metadata=_ZONE)


class TokenPairOut(Schema):
    access_token = ma.fields.String(required=True)
    refresh_token = ma.fields.String(required=True)


class RegistrationOut(Schema):
    user = ma.fields.Nested(RegisteredUserOut, required=True)
    access_token = ma.fields.String(required=True)
    refresh_token = ma.fields.String(required=True, allow_none=True, metadata=_IN_COOKIE)


class LoginResultOut(Schema):
    user = ma.fields.Nested(SignedInUserOut, required=True)
    access_token = ma.fields.String(required=True)
    refresh_token = ma.fields.String(required=True, allow_none=True, metadata=_IN_COOKIE)


class RefreshedSessionOut(Schema):
    user = ma.fields.Nested(SignedInUserOut, required=True)
    access_token = ma.fields.String(required=True)


class SessionOut(Schema):
    id = ma.fields.UUID(required=True)
    user_agent = ma.fields.String(required=True, allow_none=True)
    address = ma.fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True)
    expires_at = Timestamp(required=True)
    current = ma.fields.Boolean(required=True)


class EnrolTwoFactorIn(Schema):
    password = Password(required=True, metadata={"example": EXAMPLE_PASSWORD})


class TwoFactorEnrolmentOut(Schema):
    secret = ma.fields.String(
        required=True,
        metadata={
            "description": "Secret to enter into the authenticator app",
            "example": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        },
    )
    otpauth_uri = ma.fields.String(
        required=True,
        metadata={
            "description": "Link that opens an authenticator app on the same device",
            "example": "otpauth://totp/Payment%20Flow:alice%40example.com"
            "?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Payment%20Flow",
        },
    )
    qr_svg = ma.fields.String(
        required=True,
        metadata={
            "description": "`otpauthUri` as a QR code, a data URI for the `src` of an image",
            "example": "data:image/svg+xml;charset=utf-8,%3Csvg…",
        },
    )


class TwoFactorCodeIn(Schema):
    code = Code(required=True)


class DisableTwoFactorIn(Schema):
    password = Password(required=True, metadata={"example": EXAMPLE_PASSWORD})
    code = Code(required=True)


class RecoveryCodesOut(Schema):
    recovery_codes = ma.fields.List(
        ma.fields.String(metadata={"example": "K4RT-5ZQA-7WDM-XN3C"}),
        required=True,
        metadata={"description": "Each replaces a code of the app once. They are shown only once"},
    )


class CreateApiKeyIn(Schema):
    name = Text(max_length=100, required=True, metadata={"example": "Shop server"})
    scopes = ma.fields.List(
        ma.fields.String(
            validate=ma.validate.OneOf([str(scope) for scope in Scope]),
            metadata={"example": "products:write"},
        ),
        required=True,
        validate=ma.validate.Length(1, len(Scope)),
        metadata={
            "description": "What the key is allowed to do. No scope includes another. Only scopes"
            " marked *money* let money leave the wallet.\n\n"
            + "\n".join(f"* `{scope}`: {meaning}" for scope, meaning in DESCRIPTIONS.items()),
            "example": ["products:write", "orders:read"],
        },
    )
    expires_at = Timestamp(
        allow_none=True,
        metadata={
            "description": "When the key expires; null or omitted: never",
            "example": "2031-01-01T00:00:00Z",
        },
    )
    password = Password(required=True, metadata={"example": EXAMPLE_PASSWORD})
    code = Code(allow_none=True)


class ApiKeyOut(Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    prefix = ma.fields.String(
        required=True,
        metadata={"description": "First characters of the key", "example": "pf_test_7Qm2xA"},
    )
    scopes = ma.fields.List(ma.fields.String(), required=True)
    last_used_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "Accurate to the minute"}
    )
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True, allow_none=True)
    revoked_at = Timestamp(required=True, allow_none=True)


class CreatedApiKeyOut(Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    key = ma.fields.String(
        required=True,
        metadata={
            "description": "The API key. Store it like a password: it is shown only once",
            "pattern": f"^{api_keys.PATTERN}$",
        },
    )
    prefix = ma.fields.String(required=True)
    scopes = ma.fields.List(ma.fields.String(), required=True)
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True, allow_none=True)


ApiKeyList = page_of(ApiKeyOut)


class TwoFactorStatusOut(Schema):
    enabled = ma.fields.Boolean(required=True)
    confirmed_at = Timestamp(required=True, allow_none=True)
    recovery_codes_left = ma.fields.Integer(required=True)
