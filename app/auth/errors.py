"""How signing in and acting can be refused."""

from collections.abc import Iterable
from typing import ClassVar

from app.common.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from app.common.money import Money


class EmailTaken(Conflict):
    code = "EMAIL_TAKEN"
    message = "User with this email already exists"


class EmailFixed(BadRequest):
    def __init__(self) -> None:
        super().__init__(details={"email": ["Is set already and cannot be changed."]})


class PhoneTaken(Conflict):
    code = "PHONE_TAKEN"
    message = "Another account has this phone number"


class PhoneNeeded(Conflict):
    code = "PHONE_NEEDED"
    message = "This account has no email, so its phone number is what signs it in"


class PasswordRefused(BadRequest):
    def __init__(self, problem: str, *, field: str = "password") -> None:
        super().__init__(details={field: [problem]})


class InvalidCredentials(Unauthorized):
    code = "INVALID_CREDENTIALS"
    message = "Invalid credentials"


class InvalidRefreshToken(Unauthorized):
    code = "INVALID_REFRESH_TOKEN"
    message = "Invalid refresh token"


class RefreshTokenReused(InvalidRefreshToken):
    """A used token came back: somebody else has it, so the whole session was revoked."""

    leaves_trace = True


class RoleRequired(Forbidden):
    message = "Access denied. Required roles: …"

    def __init__(self, roles: tuple[str, ...]) -> None:
        super().__init__(
            f"Access denied. Required roles: {', '.join(roles)}", details={"requiredRoles": roles}
        )


class KeyNotAllowed(Forbidden):
    """What only a person may do, signed in."""

    code = "KEY_NOT_ALLOWED"
    message = "API keys are not accepted here; sign in"


class ScopeRequired(Forbidden):
    """An API key that was not made for this. Header as of RFC 6750, section 3.1."""

    code = "SCOPE_REQUIRED"
    message = "This API key lacks the scope …"

    def __init__(self, *, required: str, granted: Iterable[str]) -> None:
        super().__init__(
            f"This API key lacks the scope {required}",
            details={"required": required, "granted": sorted(granted)},
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{required}"'},
        )


class ApiKeyNotFound(NotFound):
    code = "API_KEY_NOT_FOUND"
    message = "API key not found"


class TooManyApiKeys(Conflict):
    code = "TOO_MANY_API_KEYS"
    message = "There are as many API keys as a merchant can have; revoke one first"

    def __init__(self, *, maximum: int) -> None:
        super().__init__(details={"most": maximum})


class SessionNotFound(NotFound):
    code = "SESSION_NOT_FOUND"
    message = "Session not found"


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    message = "User not found"


class TwoFactorAlreadyEnabled(Conflict):
    code = "TWO_FACTOR_ALREADY_ENABLED"
    message = "Two-factor authentication is on already; switch it off first"


class TwoFactorNotPending(Conflict):
    code = "TWO_FACTOR_NOT_PENDING"
    message = "There is nothing to confirm: begin with POST /auth/two-factor"


class TwoFactorNotEnabled(Conflict):
    code = "TWO_FACTOR_NOT_ENABLED"
    message = "Two-factor authentication is not on"


class TwoFactorCodeWrong(BadRequest):
    code = "TWO_FACTOR_CODE_WRONG"
    message = "This code is wrong, too old or used already; wait for the next one"


class TwoFactorRequired(Forbidden):
    """An amount that moves only with a code of the second factor.

    Not final: with a code the same request, under the same Idempotency-Key, goes through.
    """

    code = "TWO_FACTOR_REQUIRED"
    message = "This amount needs a code of your authenticator app, in X-Two-Factor-Code"
    final: ClassVar[bool] = False

    def __init__(self, *, above: Money, enrolled: bool, tried: bool) -> None:
        if not enrolled:
            advice = (
                "Switch on two-factor authentication (POST /auth/two-factor), then repeat the"
                " request with a code of your authenticator app in X-Two-Factor-Code"
            )
        elif tried:
            advice = (
                "This one is wrong, too old or used already: wait for the next code of your"
                " authenticator app and repeat the request with it"
            )
        else:
            advice = (
                "Repeat the request with the code that your authenticator app shows, or a"
                " recovery code, in X-Two-Factor-Code"
            )
        super().__init__(
            f"Amounts above {above.display} need a second factor. {advice}",
            details={"above": str(above), "enrolled": enrolled},
        )


class CodeRequired(Forbidden):
    """What an account with a second factor does only with a code."""

    code = "TWO_FACTOR_REQUIRED"
    message = "This account has a second factor: send a code of your authenticator app in `code`"
    final: ClassVar[bool] = False
