"""HTTP of two-factor authentication."""

from typing import Any

import segno

from app.auth.errors import (
    InvalidCredentials,
    TwoFactorAlreadyEnabled,
    TwoFactorCodeWrong,
    TwoFactorNotEnabled,
    TwoFactorNotPending,
)
from app.auth.guard import (
    current_user,
    limits_code_attempts,
    limits_password_attempts,
    require_password,
    requires,
)
from app.auth.schemas import (
    DisableTwoFactorIn,
    EnrolTwoFactorIn,
    RecoveryCodesOut,
    TwoFactorCodeIn,
    TwoFactorEnrolmentOut,
    TwoFactorStatusOut,
)
from app.auth.two_factor import service as two_factor
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.ratelimit import per_caller

blp = Blueprint(
    "two-factor", __name__, url_prefix="/auth/two-factor", description="Two-factor authentication"
)


@blp.get("")
@requires(blp)
@blp.response(200, TwoFactorStatusOut)
def get_two_factor() -> two_factor.TwoFactorStatus:
    """Get the two-factor status

    Returns whether two-factor authentication is enabled and how many recovery codes are left. An
    enrolment that has not been confirmed is not enabled.
    """
    with reading() as session:
        user = current_user(session)
        return two_factor.get_status(session, user_id=user.id)


@blp.post("")
@requires(blp)
@blp.arguments(EnrolTwoFactorIn)
@blp.response(201, TwoFactorEnrolmentOut)
@blp.errors(InvalidCredentials, TwoFactorAlreadyEnabled)
@per_caller("10/minute;60/hour")
@limits_password_attempts
def enrol_two_factor(body: dict[str, Any]) -> dict[str, Any]:
    """Start two-factor enrolment

    Scan the QR code with an authenticator app, then confirm the enrolment with the first code.
    Starting again replaces the secret.
    """
    require_password(body["password"])
    with transaction() as session:
        enrolment = two_factor.start_enrolment(session, user=current_user(session))
    code = segno.make(enrolment.uri, micro=False)
    return {
        "secret": enrolment.secret,
        "otpauth_uri": enrolment.uri,
        "qr_svg": code.svg_data_uri(scale=4, light="white", title="Two-factor authentication"),
    }


@blp.post("/confirm")
@requires(blp)
@blp.arguments(TwoFactorCodeIn)
@blp.response(200, RecoveryCodesOut)
@blp.errors(TwoFactorCodeWrong, TwoFactorNotPending)
@limits_code_attempts
def confirm_two_factor(body: dict[str, Any]) -> dict[str, Any]:
    """Enable two-factor authentication

    Confirms the enrolment with a code from the authenticator app. Store the recovery codes of the
    response: they are shown only once, and each can replace a code once.
    """
    with transaction() as session:
        user = current_user(session)
        return {"recovery_codes": two_factor.confirm_enrolment(session, user_id=user.id, **body)}


@blp.delete("")
@requires(blp)
@blp.arguments(DisableTwoFactorIn)
@blp.response(204)
@blp.errors(InvalidCredentials, TwoFactorCodeWrong, TwoFactorNotEnabled)
@limits_code_attempts
@limits_password_attempts
def disable_two_factor(body: dict[str, Any]) -> None:
    """Disable two-factor authentication

    Requires the password and a code from the authenticator app, or a recovery code.
    """
    require_password(body["password"])
    with transaction() as session:
        user = current_user(session)
        two_factor.disable(session, user_id=user.id, code=body["code"])


@blp.post("/recovery-codes")
@requires(blp)
@blp.arguments(TwoFactorCodeIn)
@blp.response(200, RecoveryCodesOut)
@blp.errors(TwoFactorCodeWrong, TwoFactorNotEnabled)
@limits_code_attempts
def create_recovery_codes(body: dict[str, Any]) -> dict[str, Any]:
    """Create new recovery codes

    The new codes are shown only once. All previous codes stop working.
    """
    with transaction() as session:
        user = current_user(session)
        return {"recovery_codes": two_factor.renew_recovery_codes(session, user_id=user.id, **body)}
