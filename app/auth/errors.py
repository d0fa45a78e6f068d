"""How signing in and acting can be refused."""

from app.common.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized


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


class SessionNotFound(NotFound):
    code = "SESSION_NOT_FOUND"
    message = "Session not found"


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    message = "User not found"
