"""Signed addresses with which the recipient of a mail unsubscribes without signing in.

An address states a user, a kind and a channel, and is signed with a key derived from
ENCRYPTION_KEYS (HMAC-SHA256, see app.common.encryption). It does nothing but unsubscribe, so it
does not expire: mails are kept.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.common import encryption
from app.notifications.models import Channel, Kind

#: Where the page is, below the public address of the application.
PATH: Final = "/notifications/unsubscribe"

_PURPOSE: Final = "unsubscribe"
#: 144 bits.
_SIGNATURE_BYTES: Final = 18
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{40,120}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an address unsubscribes from."""

    user_id: UUID
    kind: Kind
    channel: Channel


def url_of(subscription: Subscription, *, base: str) -> str:
    """base: public address of the application."""
    return f"{base}{PATH}/{sign(subscription)}"


def sign(subscription: Subscription) -> str:
    """The token of an address."""
    names = f"{subscription.kind}/{subscription.channel}".encode()
    payload = subscription.user_id.bytes + names
    return base64.urlsafe_b64encode(_signatures(payload)[0] + payload).decode().rstrip("=")


def verify(token: str) -> Subscription | None:
    """What a token unsubscribes from, or None if we have not signed it."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    matches = [hmac.compare_digest(signature, expected) for expected in _signatures(payload)]
    if not any(matches):
        return None
    kind, _, channel = payload[16:].decode().partition("/")
    return Subscription(UUID(bytes=payload[:16]), Kind(kind), Channel(channel))


def _signatures(payload: bytes) -> list[bytes]:
    fingerprints = encryption.fingerprints(payload, context=_PURPOSE)
    return [fingerprint[:_SIGNATURE_BYTES] for fingerprint in fingerprints]
