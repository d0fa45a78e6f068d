"""Two-factor authentication: codes of an authenticator app (TOTP, RFC 6238) and recovery codes.

Codes are required for money that leaves a wallet (app.wallets.outflow), not for sign-in.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final
from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import repository, service
from app.auth.errors import (
    AdminCodeRequired,
    CodeReason,
    CodeRequired,
    TwoFactorAlreadyEnabled,
    TwoFactorCodeWrong,
    TwoFactorNotEnabled,
    TwoFactorNotPending,
    TwoFactorRequired,
)
from app.auth.models import TwoFactor, User
from app.common import clock
from app.common.driver import paused_pipeline
from app.common.encryption import decrypt, encrypt
from app.common.money import Money
from app.common.settings import PRODUCT_NAME
from app.common.text import typed_code
from app.events import service as events
from app.events.catalogue.accounts import TwoFactorChanged

#: 6 digits from the app, or a recovery code: base32 in groups of four.
_COMPACT_CODE: Final = r"[0-9]{6}|[A-Za-z2-7]{16}"
CODE_PATTERN: Final = r"[0-9]{6}|[A-Za-z2-7]{4}(-?[A-Za-z2-7]{4}){3}"

RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_DIGITS: Final = 6
#: Steps of 30 seconds by which the app's clock may differ from ours (RFC 6238, section 5.2).
_ALLOWED_DRIFT_STEPS: Final = 1

#: What the event says about each action of the audit log.
_CHANGES: Final = {
    "two-factor.enable": "enabled",
    "two-factor.disable": "disabled",
    "two-factor.new-recovery-codes": "recovery codes renewed",
    "two-factor.use-recovery-code": "recovery code used",
}


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The data for an authenticator app. secret: base32; uri: the secret as an otpauth URI."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class TwoFactorStatus:
    enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


def canonical_code(text: str) -> str | None:
    """The normalized code, or None if it cannot be one."""
    code = typed_code(text).replace(" ", "").replace("-", "")
    return code.upper() if re.fullmatch(_COMPACT_CODE, code) else None


def start_enrolment(session: Session, *, user: User) -> Enrolment:
    """Start or restart the enrolment, which `confirm_enrolment` completes with a first code.

    Raises TwoFactorAlreadyEnabled.
    """
    secret = pyotp.random_base32()
    is_pending = repository.upsert_pending_two_factor(
        session,
        user_id=user.id,
        secret=encrypt(secret.encode(), context=_context(user.id)),
        created_at=clock.now(),
    )
    if not is_pending:
        raise TwoFactorAlreadyEnabled
    name = user.email or user.phone
    return Enrolment(
        secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=PRODUCT_NAME)
    )


def confirm_enrolment(session: Session, *, user_id: UUID, code: str) -> list[str]:
    """Enable two-factor authentication. Returns the recovery codes, which are shown only once.

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
    """Disable two-factor authentication for a user who lost access.

    Raises OwnAccount, TwoFactorNotEnabled.
    """
    service.require_other_account(actor_id, user_id)
    _require_enabled(session, user_id)
    repository.delete_two_factor(session, user_id)
    audit.record(
        session,
        actor_id=actor_id,
        action="two-factor.reset",
        target=("user", user_id),
        reason=reason,
    )
    events.record(session, [TwoFactorChanged(aggregate_id=user_id, change="reset")])


def get_status(session: Session, *, user_id: UUID) -> TwoFactorStatus:
    factor = repository.get_two_factor(session, user_id)
    if factor is None or factor.confirmed_at is None:
        return TwoFactorStatus(False, None, 0)
    left = repository.count_recovery_codes(session, user_id)
    return TwoFactorStatus(True, factor.confirmed_at, left)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The second factor of a request that moves money, and when one is required.

    above: sum of a day above which a code is required; code: normalized, None if none was sent;
    new_merchant_above: such a sum above which a payment to a new merchant requires one. Both sums
    are in units of the currency. The periods say how long payees and bank accounts are new.
    """

    above: Decimal
    code: str | None = None
    new_payee_period: timedelta = timedelta(hours=1)
    new_bank_account_period: timedelta = timedelta(days=1)
    new_merchant_above: Decimal = Decimal(100)

    def threshold(self, currency: str) -> Money:
        """The sum of a day above which a code is required."""
        return _money(self.above, currency)

    def new_merchant_threshold(self, currency: str) -> Money:
        """The sum of a day above which a payment to a new merchant requires a code."""
        return _money(self.new_merchant_above, currency)

    def require(
        self,
        session: Session,
        *,
        user_id: UUID,
        is_enrolled: bool,
        currency: str,
        reason: CodeReason,
    ) -> None:
        """Require a code, and consume it. is_enrolled: as read in this transaction.

        Call it last, when nothing else can refuse the movement. The code is consumed in the same
        transaction, so it stays valid if the movement is rolled back.
        Raises TwoFactorRequired, also if the user has not enabled two-factor authentication.
        """
        code = self.code
        if is_enrolled and code is not None:
            with paused_pipeline(session):
                # Locked, so that concurrent movements cannot use the same code.
                factor = repository.get_two_factor_for_update(session, user_id)
                is_enrolled = factor is not None and factor.confirmed_at is not None
                if factor and is_enrolled and _consume_code(session, factor, code):
                    return
        raise TwoFactorRequired(
            above=self.threshold(currency),
            enrolled=is_enrolled,
            tried=code is not None,
            reason=reason,
        )


#: Cached: there are few thresholds and currencies, and each movement asks for them.
_money: Final = cache(Money.of)


def require_code_if_enabled(session: Session, *, user_id: UUID, code: str | None) -> None:
    """Require a code from a user with two-factor authentication, and consume it.

    Call it last, as `SecondFactor.require`. Raises CodeRequired, TwoFactorCodeWrong.
    """
    factor = repository.get_two_factor_for_update(session, user_id)
    if factor is None or factor.confirmed_at is None:
        return
    if code is None:
        raise CodeRequired
    _use(session, factor, code)


def is_enabled(session: Session, *, user_id: UUID) -> bool:
    factor = repository.get_two_factor(session, user_id)
    return factor is not None and factor.confirmed_at is not None


def require_admin_code(
    session: Session, *, user_id: UUID, code: str | None, must_enrol: bool
) -> None:
    """Require a code from an administrator, and consume it.

    must_enrol: whether one without two-factor authentication is refused.
    Call it last, as `SecondFactor.require`. Raises AdminCodeRequired.
    """
    factor = repository.get_two_factor_for_update(session, user_id)
    enrolled = factor is not None and factor.confirmed_at is not None
    if factor is None or not enrolled:
        if must_enrol:
            raise AdminCodeRequired(enrolled=False, tried=code is not None)
        return
    if code is None or not _consume_code(session, factor, code):
        raise AdminCodeRequired(enrolled=True, tried=code is not None)


def _require_enabled(session: Session, user_id: UUID) -> TwoFactor:
    factor = repository.get_two_factor_for_update(session, user_id)
    if factor is None or factor.confirmed_at is None:
        raise TwoFactorNotEnabled
    return factor


def _use(session: Session, factor: TwoFactor, code: str) -> None:
    if not _consume_code(session, factor, code):
        raise TwoFactorCodeWrong


def _consume_code(session: Session, factor: TwoFactor, code: str) -> bool:
    """Consume the code. Returns whether it was correct and unused."""
    if len(code) == _DIGITS:
        return _use_app_code(factor, code)
    used = repository.use_recovery_code(
        session,
        user_id=factor.user_id,
        code_hash=_hash(factor.user_id, code),
        used_at=clock.now(),
    )
    if used:
        factor.last_used_at = clock.now()
        _audit(session, "two-factor.use-recovery-code", user_id=factor.user_id)
    return used


def _use_app_code(factor: TwoFactor, code: str) -> bool:
    """Consume a code of the app. Returns whether it is current and later than the last one.

    A code works once (RFC 6238, section 5.2). The library compares in constant time.
    """
    secret = decrypt(factor.secret, context=_context(factor.user_id)).decode()
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(
            code, for_time=clock.now(), valid_window=_ALLOWED_DRIFT_STEPS
        )
    except OTPVerificationError:
        return False
    if factor.last_step is not None and step <= factor.last_step:
        return False
    factor.last_step, factor.last_used_at = step, clock.now()
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
    """The stored hash of a recovery code.

    A fast hash is enough, because codes have 80 random bits. The user's id is the salt.
    """
    return hashlib.sha256(user_id.bytes + code.encode()).digest()


def _context(user_id: UUID) -> str:
    """Binds an encrypted secret to its user: it cannot be decrypted in another row."""
    return f"two-factor/{user_id}"


def _audit(session: Session, action: str, *, user_id: UUID) -> None:
    """Record what a user did to their own second factor."""
    audit.record(session, actor_id=user_id, action=action, target=("user", user_id))
    changed = TwoFactorChanged(aggregate_id=user_id, change=_CHANGES[action])
    events.record(session, [changed])
