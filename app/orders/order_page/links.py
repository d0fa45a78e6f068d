"""Signed addresses of order pages.

An address states an order and a number that revoking raises, and is signed with a key derived from
ENCRYPTION_KEYS (HMAC-SHA256, see app.common.encryption): the first key signs, all of them verify.
So a page needs no row before it is revoked, and a dump of the database contains no address.
"""

import base64
import hmac
import re
from typing import Final
from uuid import UUID

from app.common import encryption

_PURPOSE: Final = "order page"
_SERIAL_BYTES: Final = 2
#: 144 bits, so that the total is a multiple of 3 bytes and base64 is unambiguous.
_SIGNATURE_BYTES: Final = 18
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{48}")
#: How often an address can be revoked.
MAX_SERIAL: Final = 256**_SERIAL_BYTES - 1


def sign(order_id: UUID, *, serial: int) -> str:
    """The token of an order's page. serial: how often an earlier one was revoked."""
    payload = order_id.bytes + serial.to_bytes(_SERIAL_BYTES, "big")
    return base64.urlsafe_b64encode(payload + _signatures(payload)[0]).decode()


def verify(token: str) -> tuple[UUID, int] | None:
    """The order and serial of a token, or None if we have not signed it."""
    if not _TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    payload, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    matches = [hmac.compare_digest(signature, expected) for expected in _signatures(payload)]
    if not any(matches):
        return None
    return UUID(bytes=payload[:-_SERIAL_BYTES]), int.from_bytes(payload[-_SERIAL_BYTES:], "big")


def _signatures(payload: bytes) -> list[bytes]:
    fingerprints = encryption.fingerprints(payload, context=_PURPOSE)
    return [fingerprint[:_SIGNATURE_BYTES] for fingerprint in fingerprints]
