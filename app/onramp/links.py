"""The payment link of an on-ramp: the bank's page, with a signed request.

Redis caches the link while it is valid. The row has everything in it, so without Redis the link is
signed anew.
"""

from datetime import timedelta
from typing import Any, Final

import jwt

from app.banks import providers
from app.banks.providers import Provider
from app.common import clock
from app.common.cache import Region
from app.common.process_state import Slot
from app.common.settings import PRODUCT_NAME
from app.onramp.models import Onramp, OnrampStatus

TTL: Final = timedelta(minutes=5)

#: Cache of links, so that reading an on-ramp does not sign a new one each time.
link_cache: Final[Slot[Region | None]] = Slot("cache of on-ramp links", default=None)


def get_link(onramp: Onramp) -> str | None:
    """Where the on-ramp can be paid now, or None. Calls Redis: never in a transaction."""
    bank = _open_at(onramp)
    cached = link_cache()
    if bank is None or cached is None:
        return sign_link(onramp)
    return cached.fetch(str(onramp.id), lambda: _sign(onramp, bank).encode()).decode()


def cache_link(onramp: Onramp) -> None:
    """Cache the link in Redis."""
    get_link(onramp)


def sign_link(onramp: Onramp) -> str | None:
    """`get_link` without Redis."""
    bank = _open_at(onramp)
    return None if bank is None else _sign(onramp, bank)


def _open_at(onramp: Onramp) -> Provider | None:
    """The bank where the on-ramp can be paid now."""
    is_open = onramp.status == OnrampStatus.PROCESSING and clock.now() < onramp.expires_at
    return providers.get(onramp.provider) if is_open else None


def _sign(onramp: Onramp, bank: Provider) -> str:
    """The link with the request that the bank expects: a JWT signed with its first key (HS256)."""
    claims: dict[str, Any] = {
        "reference": onramp.token,
        "amount": str(onramp.money),
        "currency": onramp.currency,
        "payer": onramp.payer,
        "userId": str(onramp.user_id),
        "merchant": PRODUCT_NAME,
        "exp": int(onramp.expires_at.timestamp()),
    }
    if onramp.return_url is not None:
        claims["returnUrl"] = onramp.return_url
    return f"{bank.url}/pay?request={jwt.encode(claims, bank.keys[0], 'HS256')}"
