"""Errors of new passwords."""

from app.common.errors import BadRequest


class PasswordResetInvalid(BadRequest):
    code = "PASSWORD_RESET_INVALID"
    message = "This link to set a new password is invalid, was used, or has expired"
