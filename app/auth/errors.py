"""Why sign-in, sessions, keys and second factors are refused."""

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Final, Self

from app.common.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from app.common.money import Money


class EmailTaken(Conflict):
    code = "EMAIL_TAKEN"
    message = "User with this email already exists"


class EmailFixed(BadRequest):
    def __init__(self) -> None:
        super().__init__(details={"email": ["Has already been set and cannot be changed."]})


class PhoneTaken(Conflict):
    code = "PHONE_TAKEN"
    message = "This phone number belongs to another account"


class PhoneNeeded(Conflict):
    code = "PHONE_NEEDED"
    message = "This account has no email address, so it needs its phone number to sign in"


class PasswordRefused(BadRequest):
    def __init__(self, problem: str, *, field: str = "password") -> None:
        super().__init__(details={field: [problem]})

    @classmethod
    def example(cls) -> Self:
        return cls("Must have at least 8 characters.")


class InvalidCredentials(Unauthorized):
    code = "INVALID_CREDENTIALS"
    message = "Invalid credentials"


class InvalidRefreshToken(Unauthorized):
    code = "INVALID_REFRESH_TOKEN"
    message = "Invalid refresh token"


class ForeignOrigin(Forbidden):
    """A page of another server, or no page, uses the cookie with the refresh token."""

    code = "ORIGIN_NOT_ALLOWED"
    message = "Only pages of this server can use the refresh cookie"


class RefreshTokenReused(InvalidRefreshToken):
    """A refresh token was used twice, so it has leaked, and the whole session was revoked."""

    commits = True


class RoleRequired(Forbidden):
    message = "Access denied"

    def __init__(self, roles: tuple[str, ...]) -> None:
        super().__init__(
            f"Access denied. Required roles: {', '.join(roles)}", details={"requiredRoles": roles}
        )

    @classmethod
    def example(cls) -> Self:
        return cls(("MERCHANT",))


class KeyNotAllowed(Forbidden):
    """The endpoint does not accept API keys."""

    code = "KEY_NOT_ALLOWED"
    message = "API keys are not accepted here; sign in"


class ScopeRequired(Forbidden):
    """The API key was created without this scope. Header: RFC 6750, section 3.1."""

    code = "SCOPE_REQUIRED"
    message = "This API key lacks a scope"

    def __init__(self, *, required: str, granted: Iterable[str]) -> None:
        super().__init__(
            f"This API key lacks the scope {required}",
            details={"required": required, "granted": sorted(granted)},
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{required}"'},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(required="orders:read", granted=["products:read"])


class ApiKeyNotFound(NotFound):
    code = "API_KEY_NOT_FOUND"
    message = "API key not found"


class SessionNotFound(NotFound):
    code = "SESSION_NOT_FOUND"
    message = "Session not found"


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    message = "User not found"


class TwoFactorAlreadyEnabled(Conflict):
    code = "TWO_FACTOR_ALREADY_ENABLED"
    message = "Two-factor authentication is already enabled; disable it first"


class TwoFactorNotPending(Conflict):
    code = "TWO_FACTOR_NOT_PENDING"
    message = "There is no setup to confirm; start with POST /auth/two-factor"


class TwoFactorNotEnabled(Conflict):
    code = "TWO_FACTOR_NOT_ENABLED"
    message = "Two-factor authentication is not enabled"


class TwoFactorCodeWrong(BadRequest):
    code = "TWO_FACTOR_CODE_WRONG"
    message = "The code is wrong, expired or already used; wait for the next one"
    cacheable: ClassVar[bool] = False  # another code is another request


class CodeReason(StrEnum):
    """Why an outflow requires a two-factor code."""

    AMOUNT = "AMOUNT"
    NEW_PAYEE = "NEW_PAYEE"
    NEW_BANK_ACCOUNT = "NEW_BANK_ACCOUNT"


_NEEDS_CODE: Final = {
    CodeReason.AMOUNT: "More than {above} within 24 hours requires a two-factor code",
    CodeReason.NEW_PAYEE: "Paying someone new requires a two-factor code",
    CodeReason.NEW_BANK_ACCOUNT: "A payout to a new bank account requires a two-factor code",
}


def _advice(*, enrolled: bool, tried: bool) -> str:
    """What to do when a code in the header is missing or wrong."""
    if not enrolled:
        return (
            "Enable two-factor authentication (POST /auth/two-factor), then repeat the request"
            " with a code of your authenticator app in X-Two-Factor-Code"
        )
    if tried:
        return (
            "The code is wrong, expired or already used: repeat the request with the next code of"
            " your authenticator app"
        )
    return (
        "Repeat the request with the code that your authenticator app shows, or a recovery code,"
        " in X-Two-Factor-Code"
    )


class TwoFactorRequired(Forbidden):
    """An outflow that requires a two-factor code.

    Not cached: with a code, the same request succeeds under the same Idempotency-Key.
    """

    code = "TWO_FACTOR_REQUIRED"
    message = "This payment requires a two-factor code"
    cacheable: ClassVar[bool] = False

    def __init__(
        self,
        *,
        above: Money,
        enrolled: bool,
        tried: bool,
        reason: CodeReason = CodeReason.AMOUNT,
    ) -> None:
        advice = _advice(enrolled=enrolled, tried=tried)
        super().__init__(
            f"{_NEEDS_CODE[reason].format(above=above.display)}. {advice}",
            details={"above": str(above), "enrolled": enrolled, "reason": reason.value},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(above=Money(100_000, "USD"), enrolled=True, tried=False)


class CodeRequired(Forbidden):
    """The request needs a code, because two-factor authentication is enabled."""

    code = "TWO_FACTOR_REQUIRED"
    message = (
        "Two-factor authentication is enabled: send a code of your authenticator app in `code`"
    )
    cacheable: ClassVar[bool] = False


class AdminCodeRequired(Forbidden):
    """An administrator needs two-factor authentication, and a code for what changes something.

    Not cached: with a code, the same request succeeds under the same Idempotency-Key.
    """

    code = "TWO_FACTOR_REQUIRED"
    message = "Administrators need two-factor authentication"
    cacheable: ClassVar[bool] = False

    def __init__(self, *, enrolled: bool, tried: bool) -> None:
        subject = "This change requires a two-factor code" if enrolled else self.message
        super().__init__(
            f"{subject}. {_advice(enrolled=enrolled, tried=tried)}", details={"enrolled": enrolled}
        )

    @classmethod
    def example(cls) -> Self:
        return cls(enrolled=True, tried=False)


class OwnAccount(Forbidden):
    """Administrators cannot decide about themselves."""

    code = "OWN_ACCOUNT"
    message = "Administrators cannot do this to their own account; ask another administrator"


class LastAdministrator(Conflict):
    code = "LAST_ADMINISTRATOR"
    message = "The last active administrator cannot be deactivated; create another one first"


class TooManyRevocations(Conflict):
    code = "TOO_MANY_REVOCATIONS"
    message = "The address of this page cannot be revoked again"
