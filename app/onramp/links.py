"""The link to the bank's page on which an on-ramp is paid.

It is signed, so the bank knows what it may ask for. Redis keeps it for as long as it is valid; all
that it says is in the row, so without Redis it is signed again.
"""

from datetime import timedelta
from typing import Any, Final

import jwt

from app.banks import providers
from app.banks.providers import Provider
from app.common import clock
from app.common.cache import Region
from app.common.money import Money
from app.common.process_state import Slot
from app.onramp.models import Onramp, OnrampStatus

VALID_FOR: Final = timedelta(minutes=5)
_MERCHANT: Final = "Payment Flow"

#: Where links are cached, so that reading an on-ramp does not sign one each time.
link_cache: Final[Slot[Region | None]] = Slot("cache of on-ramp links", default=None)


def link_of(onramp: Onramp) -> str | None:
    """Where the on-ramp can be paid now, or None. Asks Redis: not within a transaction."""
    bank = _open_at(onramp)
    cached = link_cache()
    if bank is None or cached is None:
        return signed(onramp)
    return cached.fetch(str(onramp.id), lambda: _sign(onramp, bank).encode()).decode()


def keep(onramp: Onramp) -> None:
    """Have Redis keep the link from now on."""
    link_of(onramp)


def signed(onramp: Onramp) -> str | None:
    """`link_of` without Redis."""
    bank = _open_at(onramp)
    return None if bank is None else _sign(onramp, bank)


def _open_at(onramp: Onramp) -> Provider | None:
    """The bank at which the on-ramp can be paid now."""
    is_open = onramp.status == OnrampStatus.PROCESSING and clock.now() < onramp.expires_at
    return providers.find(onramp.provider) if is_open else None


def _sign(onramp: Onramp, bank: Provider) -> str:
    """The link as the bank wants it: a JWT signed with its first key (HS256)."""
    claims: dict[str, Any] = {
        "reference": onramp.token,
        "amount": str(Money(onramp.amount, onramp.currency)),
        "currency": onramp.currency,
        "payer": onramp.payer,
        "userId": str(onramp.user_id),
        "merchant": _MERCHANT,
        "exp": int(onramp.expires_at.timestamp()),
    }
    if onramp.return_url is not None:
        claims["returnUrl"] = onramp.return_url
    return f"{bank.url}/pay?request={jwt.encode(claims, bank.keys[0], 'HS256')}"
