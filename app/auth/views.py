"""HTTP of accounts and sign-in."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from app.attempts.budgets import USER_LOOKUPS
from app.attempts.http import limits_attempts
from app.auth import http, login_sessions, passwords, service
from app.auth.email_addresses import canonical_email
from app.auth.errors import (
    EmailFixed,
    EmailTaken,
    ForeignOrigin,
    InvalidCredentials,
    InvalidRefreshToken,
    LastAdministrator,
    OwnAccount,
    PasswordRefused,
    PhoneNeeded,
    PhoneTaken,
    SessionNotFound,
    TwoFactorNotEnabled,
    UserNotFound,
)
from app.auth.guard import (
    confirm_admin_code,
    current_admin,
    current_user,
    requires,
    requires_admin_code,
    session_id,
)
from app.auth.handles import service as handles
from app.auth.models import Role, User
from app.auth.passwords import Verdict
from app.auth.schemas import (
    LoginByPhoneIn,
    LoginIn,
    LoginResultOut,
    ReasonIn,
    RefreshedSessionOut,
    RefreshTokensIn,
    RegisterUserIn,
    RegistrationOut,
    SessionOut,
    TokenPairOut,
    UpdateCurrentUserIn,
    UserOut,
    canonical_phone,
)
from app.auth.session_tokens import guard as refresh_cookie
from app.auth.session_tokens.guard import takes_refresh_cookie_header
from app.auth.session_tokens.http import issue, rotate
from app.auth.sign_in.guard import (
    current_device,
    limits_sign_ins,
    sign_in_turn,
)
from app.auth.tokens import token_rules
from app.auth.two_factor import service as two_factor
from app.common import array_pages, ratelimit
from app.common.array_pages import PAGE_HEADERS
from app.common.db import reading, transaction
from app.common.http import Blueprint, is_error, peek_json, settings
from app.common.idempotent import idempotent
from app.common.locales import preferred_locale
from app.common.pagination import ArrayArgs
from app.common.ratelimit import per_address, per_caller, per_field


def _changes_sign_in_name() -> bool:
    """Whether the response can reveal that another account has this email or phone number."""
    body = peek_json()
    return isinstance(body, dict) and bool({"email", "phone"} & set(body))


blp = Blueprint("auth", __name__, url_prefix="/auth", description="User accounts and sign-in")
admin_blp = Blueprint(
    "admin-users", __name__, url_prefix="/admin/users", description="User administration"
)


def _preferred_locale() -> str:
    return preferred_locale(request.headers.get("Accept-Language"))


def _rounds() -> int:
    return settings().bcrypt_rounds


@blp.post("/register")
@blp.arguments(RegisterUserIn)
@takes_refresh_cookie_header(blp)
@blp.response(201, RegistrationOut)
@blp.errors(EmailTaken, PasswordRefused)
@per_field("email", "10/minute;30/hour", normalize=canonical_email)
@per_address("240/minute")
@limits_attempts(USER_LOOKUPS, counts=partial(is_error, kinds=(EmailTaken,)))
def register_user(body: dict[str, Any]) -> Any:
    """Register a user

    Creates the user and a wallet, signs the user in, and sends a mail to verify the address. Email
    addresses are unique, ignoring case. With `REQUIRE_VERIFIED_HANDLES`, an address that another
    account has not verified is free: the new account has it once it is verified, and `email` is
    null until then. Common passwords are rejected. Administrators are
    created on the command line.
    """
    passwords.require_acceptable(body["password"], names=[body["email"]])
    claims = settings().verified_handles_required
    with reading() as session:
        handles.require_email_free(session, email=body["email"], claims_unverified=claims)
    return _register(partial(handles.register, claims_unverified=claims), **body)


def _register(register: Callable[..., User], *, password: str, **account: Any) -> dict[str, Any]:
    password_hash = passwords.hash_password(password, rounds=_rounds(), turn=sign_in_turn())
    with transaction() as session:
        user = register(session, password_hash=password_hash, locale=_preferred_locale(), **account)
        sign_in = service.sign_in(
            session, user_id=user.id, device=current_device(), rules=token_rules()
        )
    return issue(sign_in, in_cookie=refresh_cookie.is_requested())


@blp.post("/login")
@blp.arguments(LoginIn)
@takes_refresh_cookie_header(blp)
@blp.response(200, LoginResultOut)
@blp.errors(InvalidCredentials)
@limits_sign_ins("email", normalize=canonical_email)
def login(body: dict[str, Any]) -> Any:
    """Sign in with email and password

    An unknown email and a wrong password are indistinguishable, in the response and in timing. The
    response sets a cookie, which is optional: a device that sends it at the next sign-in is not
    delayed by strangers who guess at the account.
    """
    return _sign_in(partial(service.get_user_by_sign_in_name, name=body["email"]), body["password"])


@blp.post("/phone")
@blp.arguments(LoginByPhoneIn)
@takes_refresh_cookie_header(blp)
@blp.response(200, LoginResultOut)
@blp.alt_response(201, schema=LoginResultOut, description="A new account was created")
@blp.errors(InvalidCredentials, PasswordRefused)
@limits_sign_ins("phone", normalize=canonical_phone)
def login_by_phone(body: dict[str, Any]) -> Any:
    """Sign in with phone number and password

    An unknown number and a wrong password are indistinguishable, in the response and in timing.
    If PHONE_AUTO_REGISTRATION is enabled, an unknown number creates an account with role USER and
    no email instead, and the status is 201.
    """
    if settings().phone_auto_registration and not _is_known_phone(body["phone"]):
        passwords.require_acceptable(body["password"], names=[body["phone"]])
        with suppress(PhoneTaken):  # by a concurrent request for the same account
            return _register(service.register, role=Role.USER, **body), 201
    return _sign_in(partial(service.get_user_by_phone, phone=body["phone"]), body["password"])


def _is_known_phone(phone: str) -> bool:
    with reading() as session:
        return service.get_user_by_phone(session, phone=phone) is not None


def _sign_in(find_user: Callable[[Session], User | None], password: str) -> dict[str, Any]:
    """Sign a user in with a password. Refusing takes the same time if there is no user."""
    with reading() as session:
        user, max_cost = find_user(session), service.get_max_password_cost(session)
    known_hash = user.password_hash if user else None
    turn = sign_in_turn()
    verdict = passwords.verify(password, known_hash, rounds=_rounds(), max_cost=max_cost, turn=turn)
    if user is None or not user.is_active or verdict is Verdict.WRONG:
        raise InvalidCredentials
    rehash = None
    if verdict is Verdict.OUTDATED:
        replacement = passwords.hash_password(password, rounds=_rounds(), turn=turn)
        rehash = service.Rehash(user.password_hash, replacement)
    with transaction() as session:
        sign_in = service.sign_in(
            session,
            user_id=user.id,
            device=current_device(),
            rules=token_rules(),
            rehash=rehash,
        )
    return issue(sign_in, in_cookie=refresh_cookie.is_requested())


@blp.post("/refresh")
@blp.arguments(RefreshTokensIn)
@blp.response(200, TokenPairOut)
@blp.errors(InvalidRefreshToken)
@blp.doc(**{"x-caller": "holder of the refresh token"})
def refresh_tokens(body: dict[str, Any]) -> Any:
    """Refresh the tokens

    Exchanges a refresh token for a new token pair. A refresh token can be used once. Reusing one
    revokes its session, because the token must have leaked.
    """
    return issue(rotate(body["refresh_token"]), in_cookie=False)


@blp.post(refresh_cookie.PATH)
@blp.response(200, RefreshedSessionOut)
@blp.alt_response(204, description="There is no cookie: nobody is signed in")
@blp.errors(InvalidRefreshToken, ForeignOrigin)
@blp.doc(**{"x-caller": "page of this server with the refresh cookie"})
def refresh_from_cookie() -> Any:
    """Refresh the access token of a page

    As `POST /auth/refresh`, with the refresh token in the cookie that `X-Refresh-Cookie` asks for.
    The next one replaces it in the cookie. Requires an `Origin` of this server.
    """
    refresh_cookie.require_own_origin()
    token = refresh_cookie.given_token()
    if not token:
        return "", 204
    try:
        return issue(rotate(token), in_cookie=True)
    except InvalidRefreshToken:
        refresh_cookie.delete()
        raise


@blp.post("/logout")
@requires(blp)
@takes_refresh_cookie_header(blp)
@blp.response(204)
def logout() -> None:
    """Sign out

    Revokes the current session. Its access and refresh tokens stop working immediately.
    """
    with transaction() as session:
        user = current_user(session)
        login_sessions.revoke_session(session, user_id=user.id, session_id=session_id())
    if refresh_cookie.is_requested():
        refresh_cookie.delete()


@blp.get("/me")
@requires(blp)
@blp.response(200, UserOut)
def get_current_user() -> User:
    """Get the current user

    Returns the account that the access token belongs to, as it is now.
    """
    with reading() as session:
        return current_user(session)


@blp.patch("/me")
@requires(blp)
@blp.arguments(UpdateCurrentUserIn, required=False)
@idempotent(blp)
@blp.response(200, UserOut)
@blp.errors(EmailFixed, EmailTaken, PhoneNeeded, PhoneTaken)
@per_caller("30/minute;300/hour")
@ratelimit.shared(
    "10/hour;30/day", by=ratelimit.caller, scope="profile-names", when=_changes_sign_in_name
)
@limits_attempts(
    USER_LOOKUPS,
    when=_changes_sign_in_name,
    counts=partial(is_error, kinds=(EmailTaken, PhoneTaken)),
)
def update_current_user(body: dict[str, Any]) -> User:
    """Update the current user

    Omitted fields keep their values. A `phone` of null removes the phone number. `email` can be
    set once, by an account that was created with a phone number; a mail to verify it is sent. A
    changed phone number is to be verified again.
    """
    with transaction() as session:
        user = current_user(session)
        changed = service.change_profile(session, user_id=user.id, **body)
        if changed.email is not None and "email" in body and changed.email_verified_at is None:
            handles.request_email_verification(session, user=changed)
        return changed


@blp.get("/sessions")
@requires(blp)
@blp.arguments(ArrayArgs, location="query")
@blp.response(200, SessionOut(many=True), headers=PAGE_HEADERS)
def list_sessions(args: dict[str, Any]) -> Response:
    """List active sessions

    Returns the user's sessions that are neither revoked nor expired, newest first. The `Link`
    header names the next page.
    """
    with reading() as session:
        user = current_user(session)
        found = login_sessions.list_active_sessions(session, user_id=user.id, **args)
    return array_pages.respond(found, partial(http.dump_session, current_id=session_id()))


@blp.delete("/sessions/<uuid:login_session_id>")
@requires(blp)
@idempotent(blp)
@blp.response(204)
@blp.errors(SessionNotFound)
def revoke_session(login_session_id: UUID) -> None:
    """Revoke a session

    Its access and refresh tokens stop working immediately.
    """
    with transaction() as session:
        user = current_user(session)
        login_sessions.revoke_session(session, user_id=user.id, session_id=login_session_id)


@admin_blp.post("/<uuid:user_id>/deactivate")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(200, UserOut)
@admin_blp.errors(UserNotFound, OwnAccount, LastAdministrator)
@requires_admin_code(admin_blp)
def deactivate_user(body: dict[str, Any], user_id: UUID) -> User:
    """Deactivate a user

    Revokes all sessions and API keys of the user, who can no longer sign in or move money. The last
    active administrator cannot be deactivated.
    """
    return _set_active(user_id, active=False, **body)


@admin_blp.post("/<uuid:user_id>/activate")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(200, UserOut)
@admin_blp.errors(UserNotFound, OwnAccount)
@requires_admin_code(admin_blp)
def activate_user(body: dict[str, Any], user_id: UUID) -> User:
    """Reactivate a user

    The user has to sign in again; revoked sessions and API keys stay revoked.
    """
    return _set_active(user_id, active=True, **body)


def _set_active(user_id: UUID, *, active: bool, reason: str) -> User:
    with transaction() as session:
        actor = current_admin(session)
        user = service.set_active(
            session, actor_id=actor.id, user_id=user_id, active=active, reason=reason
        )
        confirm_admin_code(session)
        return user


@admin_blp.post("/<uuid:user_id>/revoke-sessions")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(UserNotFound, OwnAccount)
@requires_admin_code(admin_blp)
def revoke_user_sessions(body: dict[str, Any], user_id: UUID) -> None:
    """Revoke all sessions of a user

    The user has to sign in again everywhere. API keys keep working.
    """
    with transaction() as session:
        actor = current_admin(session)
        login_sessions.revoke_sessions(session, actor_id=actor.id, user_id=user_id, **body)
        confirm_admin_code(session)


@admin_blp.post("/<uuid:user_id>/reset-two-factor")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(UserNotFound, OwnAccount, TwoFactorNotEnabled)
@requires_admin_code(admin_blp)
def reset_two_factor(body: dict[str, Any], user_id: UUID) -> None:
    """Disable a user's two-factor authentication

    For users who have lost both the authenticator app and the recovery codes. Verify the user's
    identity first.
    """
    with transaction() as session:
        actor = current_admin(session)
        user = service.require_user(session, user_id)
        two_factor.reset(session, actor_id=actor.id, user_id=user.id, **body)
        confirm_admin_code(session)
