"""Schemas of new passwords."""

from app.auth.schemas import EMAIL_EXAMPLE, PASSWORD_EXAMPLE, KnownEmail, Password
from app.common.examples import EXAMPLE_PASSWORD
from app.common.fields import Flag, Schema, Text


class ChangePasswordIn(Schema):
    current_password = Password(required=True, metadata={"example": EXAMPLE_PASSWORD})
    new_password = Password(
        required=True, metadata=PASSWORD_EXAMPLE | {"example": "EvenMoreSecure456!"}
    )
    revoke_api_keys = Flag(
        load_default=False, metadata={"description": "Whether to revoke all API keys as well"}
    )


class RequestPasswordResetIn(Schema):
    email = KnownEmail(max_length=320, required=True, metadata=EMAIL_EXAMPLE)


class ResetPasswordIn(Schema):
    reset_token = Text(
        max_length=48,
        required=True,
        metadata={
            "description": "The last part of the address in the mail",
            "example": "AZk8Hnwae1KfbisPC29_EQp3mT0vKcH2nXw8yLr5sBgJkMqT",
        },
    )
    new_password = Password(
        required=True, metadata=PASSWORD_EXAMPLE | {"example": "EvenMoreSecure456!"}
    )
