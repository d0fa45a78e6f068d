"""HTTP of verifying email addresses and phone numbers."""

from functools import partial
from typing import Any

from flask import Response

from app.attempts.budgets import PHONE_CODES
from app.attempts.http import limits_attempts
from app.auth.email_addresses import canonical_email
from app.auth.errors import CodeRequired, InvalidCredentials, PhoneTaken, TwoFactorCodeWrong
from app.auth.guard import (
    current_user,
    limits_optional_code_attempts,
    limits_password_attempts,
    require_password,
    requires,
    session_id,
)
from app.auth.handles import phones, service
from app.auth.handles.errors import (
    EmailConfusable,
    NothingToVerify,
    PhoneCodeInvalid,
    VerificationInvalid,
)
from app.auth.handles.links import LINKS
from app.auth.handles.models import Purpose
from app.auth.handles.schemas import (
    ChangeEmailIn,
    ConfirmEmailVerificationIn,
    ConfirmPhoneVerificationIn,
    RequestPhoneVerificationIn,
)
from app.auth.models import User
from app.auth.schemas import UserOut, canonical_phone
from app.auth.two_factor import service as two_factor
from app.common.db import reading, transaction
from app.common.http import Blueprint, is_error
from app.common.linked_pages import page_blueprint, respond
from app.common.ratelimit import per_address, per_caller, per_field

blp = Blueprint(
    "handles", __name__, url_prefix="/auth", description="Email addresses and phone numbers"
)
page_blp = page_blueprint("email_verification", __name__, LINKS.path)


@blp.post("/email")
@requires(blp)
@blp.arguments(ChangeEmailIn)
@blp.response(204)
@blp.errors(InvalidCredentials, CodeRequired, TwoFactorCodeWrong)
@per_caller("5/hour;20/day")
@per_field("newEmail", "3/hour;10/day", normalize=canonical_email)
@limits_optional_code_attempts
@limits_password_attempts
def change_email(body: dict[str, Any]) -> None:
    """Request another email address

    Sends a link to the new address, which the account has once the link is used, within 24 hours.
    Sessions other than this one then end, API keys keep working, and the earlier address is told.
    The answer is the same if the address belongs to somebody else, who is told. With two-factor
    authentication, a code is required.
    """
    require_password(body["password"])
    with transaction() as session:
        user = current_user(session)
        service.request(
            session,
            user_id=user.id,
            purpose=Purpose.EMAIL_CHANGE,
            handle=body["new_email"],
            session_id=session_id(),
        )
        two_factor.require_code_if_enabled(session, user_id=user.id, code=body.get("code"))


@blp.post("/email/verification")
@requires(blp)
@blp.response(204)
@blp.errors(NothingToVerify, EmailConfusable)
@per_caller("3/hour;10/day")
def request_email_verification() -> None:
    """Request a link to verify the email address

    Sends another mail like that after the registration. The link can be used once, for 24 hours.
    """
    with transaction() as session:
        service.request_email_verification(session, user=current_user(session))


@blp.post("/email/verification/confirm")
@blp.arguments(ConfirmEmailVerificationIn)
@blp.response(204)
@blp.errors(VerificationInvalid)
@per_address("30/minute")
def confirm_email_verification(body: dict[str, Any]) -> None:
    """Verify an email address with a link

    Verifies the address of an account, changes it, or undoes a change, depending on the mail. An
    account that has the address and has not verified it loses it.
    """
    with transaction() as session:
        service.confirm_email(session, token=body["verification_token"])


@blp.post("/phone/verification")
@requires(blp)
@blp.arguments(RequestPhoneVerificationIn)
@blp.response(204)
@per_caller("3/10 minute;10/day")
@per_field("phone", "3/10 minute;10/day", normalize=canonical_phone)
@per_address("30/hour")
def request_phone_verification(body: dict[str, Any]) -> None:
    """Request a code to verify a phone number

    Sends a text message with a code of six digits, valid for 10 minutes. The account need not have
    the number yet. The answer is the same if it belongs to somebody else.
    """
    with transaction() as session:
        phones.request_code(session, user=current_user(session), phone=body["phone"])


@blp.post("/phone/verification/confirm")
@requires(blp)
@blp.arguments(ConfirmPhoneVerificationIn)
@blp.response(200, UserOut)
@blp.errors(PhoneCodeInvalid, PhoneTaken)
@per_caller("10/minute;60/hour")
@limits_attempts(PHONE_CODES, counts=partial(is_error, kinds=(PhoneCodeInvalid,)))
def confirm_phone_verification(body: dict[str, Any]) -> User:
    """Verify a phone number with a code

    The account then has the number of the last request. An account that has the number and has not
    verified it loses it.
    """
    with transaction() as session:
        user = current_user(session)
        return phones.confirm_phone(session, user_id=user.id, code=body["phone_code"])


@page_blp.get("/<verification_token>")
def page(verification_token: str) -> Response:
    """The page that the mail links to. The link is not used up by opening it."""
    try:
        with reading() as session:
            proof = service.require_proof(session, verification_token)
    except VerificationInvalid:
        return respond("handles/invalid.html", 404)
    return respond("handles/form.html", proof=proof)


@page_blp.post("/<verification_token>")
@per_address("30/minute")
def submit(verification_token: str) -> Response:
    """The button of the page."""
    try:
        with transaction() as session:
            proof = service.require_proof(session, verification_token)
            service.confirm_email(session, token=verification_token)
    except VerificationInvalid:
        return respond("handles/invalid.html", 404)
    return respond("handles/done.html", proof=proof)
