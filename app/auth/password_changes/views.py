"""HTTP of changes of passwords: by signed-in users, and of forgotten ones."""

from typing import Any
from urllib.parse import parse_qs

from flask import Response

from app.auth import passwords
from app.auth.email_addresses import canonical_email
from app.auth.errors import InvalidCredentials, PasswordRefused
from app.auth.guard import (
    caller_turn,
    current_user,
    limits_password_attempts,
    require_password,
    requires,
    session_id,
)
from app.auth.password_changes import resets, service
from app.auth.password_changes.errors import PasswordResetInvalid
from app.auth.password_changes.links import LINKS
from app.auth.password_changes.schemas import (
    ChangePasswordIn,
    RequestPasswordResetIn,
    ResetPasswordIn,
)
from app.auth.sign_in.guard import remember_device
from app.common import ratelimit
from app.common.db import reading, transaction
from app.common.fair_executor import Turn
from app.common.http import Blueprint, raw_body, settings
from app.common.linked_pages import page_blueprint, respond
from app.common.ratelimit import per_address, per_caller, per_field

blp = Blueprint("passwords", __name__, url_prefix="/auth", description="Passwords")
page_blp = page_blueprint("password_reset", __name__, LINKS.path)


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


@blp.post("/password/forgotten")
@blp.arguments(RequestPasswordResetIn)
@blp.response(204)
@per_field("email", "3/hour;10/day", normalize=canonical_email)
@per_address("30/minute")
def request_password_reset(body: dict[str, Any]) -> None:
    """Request a link to set a new password

    Sends a mail if there is an account with this email address. The answer and its timing are the
    same whether there is one or not. The link can be used once, for 30 minutes.
    """
    with transaction() as session:
        resets.request(session, email=body["email"])


@blp.post("/password/reset")
@blp.arguments(ResetPasswordIn)
@blp.response(204)
@blp.errors(PasswordRefused, PasswordResetInvalid)
@per_address("30/minute")
def reset_password(body: dict[str, Any]) -> None:
    """Set a new password with a link

    Ends all sessions of the user, and invalidates every other link. The link proves that the
    address is the user's. API keys keep working if it had been verified before. The response sets
    the cookie of a device that has signed in before.
    """
    _reset(body["reset_token"], body["new_password"])


def _reset(token: str, password: str) -> None:
    """Raises PasswordResetInvalid, PasswordRefused."""
    with reading() as session:
        user = resets.require_user(session, token)
    resets.require_acceptable(user, password, field="newPassword")
    password_hash = passwords.hash_password(
        password, rounds=settings().bcrypt_rounds, turn=Turn(ratelimit.address())
    )
    with transaction() as session:
        resets.reset_password(session, token=token, password_hash=password_hash)
    # Strangers who guess at the account cannot keep out an owner who receives its mails.
    remember_device(user)


@page_blp.get("/<reset_token>")
def page(reset_token: str) -> Response:
    """The page that the mail links to. The link is not used up by opening it."""
    try:
        with reading() as session:
            resets.require_user(session, reset_token)
    except PasswordResetInvalid:
        return respond("password/invalid.html", 404)
    return respond("password/form.html", problem=None)


@page_blp.post("/<reset_token>")
@per_address("30/minute")
def submit(reset_token: str) -> Response:
    """The form of the page."""
    fields = parse_qs(raw_body().decode("utf-8", "replace"), max_num_fields=5)
    try:
        _reset(reset_token, fields.get("password", [""])[0])
    except PasswordResetInvalid:
        return respond("password/invalid.html", 404)
    except PasswordRefused as error:
        problem = " ".join(text for texts in error.details.values() for text in texts)
        return respond("password/form.html", 400, problem=problem)
    return respond("password/done.html")
