"""HTTP of changes of passwords."""

from typing import Any

from app.auth import passwords
from app.auth.errors import InvalidCredentials, PasswordRefused
from app.auth.guard import (
    caller_turn,
    current_user,
    limits_password_attempts,
    require_password,
    requires,
    session_id,
)
from app.auth.password_changes import service
from app.auth.schemas import ChangePasswordIn
from app.common.db import reading, transaction
from app.common.http import Blueprint, settings
from app.common.ratelimit import per_caller

blp = Blueprint("passwords", __name__, url_prefix="/auth", description="Passwords")


@blp.post("/password")
@requires(blp)
@blp.arguments(ChangePasswordIn)
@blp.response(204)
@blp.errors(InvalidCredentials, PasswordRefused)
@per_caller("10/minute;60/hour")
@limits_password_attempts
def change_password(body: dict[str, Any]) -> None:
    """Change the password

    Revokes all other sessions of the user. API keys keep working unless `revokeApiKeys` is true.
    """
    with reading() as session:
        user = current_user(session)
    passwords.require_acceptable(
        body["new_password"], names=[user.email, user.phone], field="newPassword"
    )
    require_password(body["current_password"])
    password_hash = passwords.hash_password(
        body["new_password"], rounds=settings().bcrypt_rounds, turn=caller_turn()
    )
    with transaction() as session:
        user = current_user(session)
        service.change_password(
            session,
            user_id=user.id,
            password_hash=password_hash,
            keep_session=session_id(),
            revoke_api_keys=body["revoke_api_keys"],
        )
