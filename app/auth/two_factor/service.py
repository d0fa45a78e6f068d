"""Two-factor authentication: codes of an authenticator app (TOTP, RFC 6238) and recovery codes.

It is asked for where much money leaves, not at sign-in.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import repository
from app.auth.errors import (
    CodeRequired,
    TwoFactorAlreadyEnabled,
    TwoFactorCodeWrong,
    TwoFactorNotEnabled,
    TwoFactorNotPending,
    TwoFactorRequired,
)
from app.auth.models import TwoFactor, User
from app.common import clock
from app.common.encryption import decrypt, encrypt
from app.common.money import Money

#: 6 digits of the app, or a recovery code: base32, four by four.
CODE_PATTERN: Final = r"[0-9]{6}|[A-Za-z2-7]{4}(-?[A-Za-z2-7]{4}){3}"

RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_DIGITS: Final = 6
#: Steps of 30 seconds that the app's clock may be away from ours (RFC 6238, section 5.2).
_STEPS_AWAY: Final = 1
_ISSUER: Final = "Payment Flow"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs. secret: base32; uri: the same as a link for a QR code."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Status:
    enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


def canonical_code(text: str) -> str | None:
    """The normalized code, or None if it cannot be one."""
    if not re.fullmatch(CODE_PATTERN, text):
        return None
    return text.replace("-", "").upper()


def enrol(session: Session, *, user: User) -> Enrolment:
    """Start the setup of two-factor authentication; `confirm` enables it with a first code.

    A pending one is replaced. Raises TwoFactorAlreadyEnabled.
    """
    secret = pyotp.random_base32()
    begun = repository.put_pending_two_factor(
        session,
        user_id=user.id,
        secret=encrypt(secret.encode(), context=_context(user.id)),
        created_at=clock.now(),
    )
    if not begun:
        raise TwoFactorAlreadyEnabled
    name = user.email or user.phone
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER))


def confirm(session: Session, *, user_id: UUID, code: str) -> list[str]:
    """Enable the pending setup. Returns the recovery codes, which cannot be shown again.

    Raises TwoFactorNotPending, TwoFactorCodeWrong.
    """
    factor = repository.get_two_factor_for_update(session, user_id)
    if factor is None or factor.confirmed_at is not None:
        raise TwoFactorNotPending
    if not _use_app_code(factor, code):
        raise TwoFactorCodeWrong
    factor.confirmed_at = clock.now()
    _audit(session, "two-factor.enable", user_id=user_id)
    return _new_recovery_codes(session, user_id)


def disable(session: Session, *, user_id: UUID, code: str) -> None:
    """Disable two-factor authentication. Raises TwoFactorNotEnabled, TwoFactorCodeWrong."""
    _use(session, _require_enabled(session, user_id), code)
    repository.delete_two_factor(session, user_id)
    _audit(session, "two-factor.disable", user_id=user_id)


def renew_recovery_codes(session: Session, *, user_id: UUID, code: str) -> list[str]:
    """Replace all recovery codes.

    Raises TwoFactorNotEnabled, TwoFactorCodeWrong.
    """
    _use(session, _require_enabled(session, user_id), code)
    _audit(session, "two-factor.new-recovery-codes", user_id=user_id)
    return _new_recovery_codes(session, user_id)


def reset(session: Session, *, actor_id: UUID, user_id: UUID, reason: str) -> None:
    """Disable two-factor authentication for a user who lost access. Raises TwoFactorNotEnabled."""
    _require_enabled(session, user_id)
    repository.delete_two_factor(session, user_id)
    _audit(session, "two-factor.reset", user_id=user_id, actor_id=actor_id, reason=reason)


def status(session: Session, *, user_id: UUID) -> Status:
    factor = repository.get_two_factor(session, user_id)
    if factor is None or factor.confirmed_at is None:
        return Status(False, None, 0)
    left = repository.count_recovery_codes(session, user_id)
    return Status(True, factor.confirmed_at, left)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The second factor of a request that moves money.

    above: an amount above this needs a code, in units of its currency; code: in its one spelling,
    None if none was given.
    """

    above: Decimal
    code: str | None = None

    def require(self, session: Session, *, user_id: UUID, amount: Money) -> None:
        """Require a code for an amount above the threshold, and consume it.

        Call it last, when nothing but the second factor can still refuse the movement: the code is
        marked as used in the movement's own transaction, so it stays good if the money stays.
        Raises TwoFactorRequired, also when the user has no second factor.
        """
        limit, code = Money.of(self.above, amount.currency), self.code
        if amount.minor <= limit.minor:
            return
        # Locked, so that of two movements with one code the later sees it used.
        factor = repository.get_two_factor_for_update(session, user_id)
        enrolled = factor is not None and factor.confirmed_at is not None
        if factor is None or not enrolled or code is None or not _is_good(session, factor, code):
            raise TwoFactorRequired(above=limit, enrolled=enrolled, tried=code is not None)


def require_code_if_on(session: Session, *, user_id: UUID, code: str | None) -> None:
    """Require a code from a user with two-factor authentication, and consume it.

    Call it last, as `SecondFactor.require`. Raises CodeRequired, TwoFactorCodeWrong.
    """
    factor = repository.get_two_factor_for_update(session, user_id)
    if factor is None or factor.confirmed_at is None:
        return
    if code is None:
        raise CodeRequired
    _use(session, factor, code)


def _require_enabled(session: Session, user_id: UUID) -> TwoFactor:
    factor = repository.get_two_factor_for_update(session, user_id)
    if factor is None or factor.confirmed_at is None:
        raise TwoFactorNotEnabled
    return factor


def _use(session: Session, factor: TwoFactor, code: str) -> None:
    if not _is_good(session, factor, code):
        raise TwoFactorCodeWrong


def _is_good(session: Session, factor: TwoFactor, code: str) -> bool:
    """Whether the code is right and unused; consumes it."""
    if len(code) == _DIGITS:
        return _use_app_code(factor, code)
    used = repository.use_recovery_code(
        session,
        user_id=factor.user_id,
        code_hash=_hash(factor.user_id, code),
        used_at=clock.now(),
    )
    if used:
        _audit(session, "two-factor.use-recovery-code", user_id=factor.user_id)
    return used


def _use_app_code(factor: TwoFactor, code: str) -> bool:
    """Whether it is a current code of the app, later than the last one accepted.

    A code works once (RFC 6238, section 5.2). The library compares in constant time.
    """
    secret = decrypt(factor.secret, context=_context(factor.user_id)).decode()
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(
            code, for_time=clock.now(), valid_window=_STEPS_AWAY
        )
    except OTPVerificationError:
        return False
    if factor.last_step is not None and step <= factor.last_step:
        return False
    factor.last_step = step
    return True


def _new_recovery_codes(session: Session, user_id: UUID) -> list[str]:
    plain = [
        base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
        for _ in range(RECOVERY_CODES)
    ]
    hashes = [_hash(user_id, code) for code in plain]
    repository.replace_recovery_codes(session, user_id=user_id, hashes=hashes)
    return ["-".join(re.findall("....", code)) for code in plain]


def _hash(user_id: UUID, code: str) -> bytes:
    """What is stored of a recovery code.

    A fast hash is enough: nobody tries 2**80 codes, as they would try the passwords that people
    choose. The user's id keeps one try from being one at everybody's codes.
    """
    return hashlib.sha256(user_id.bytes + code.encode()).digest()


def _context(user_id: UUID) -> str:
    """Binds an encrypted secret to its user: copied to another row it cannot be decrypted."""
    return f"two-factor/{user_id}"


def _audit(
    session: Session,
    action: str,
    *,
    user_id: UUID,
    actor_id: UUID | None = None,
    reason: str | None = None,
) -> None:
    audit.record(
        session,
        actor_id=actor_id or user_id,
        action=action,
        target_type="user",
        target_id=user_id,
        reason=reason,
    )
