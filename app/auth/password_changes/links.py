"""Signed addresses with which people set a new password.

An address states a request, and is signed with a key derived from ENCRYPTION_KEYS (HMAC-SHA256, see
app.common.encryption), so a dump of the database contains none.
"""

import base64
import hmac
import re
from typing import Final
from uuid import UUID

from app.common import encryption

#: Where the page is, below the public address of the application.
PATH: Final = "/password/reset"

_PURPOSE: Final = "password reset"
#: 160 bits, so that the total is a multiple of 3 bytes and base64 is unambiguous.
_SIGNATURE_BYTES: Final = 20
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{48}")


def url_of(reset_id: UUID, *, base: str) -> str:
    """base: public address of the application."""
    return f"{base}{PATH}/{sign(reset_id)}"


def sign(reset_id: UUID) -> str:
    """The token of a request."""
    return base64.urlsafe_b64encode(reset_id.bytes + _signatures(reset_id)[0]).decode()


def verify(token: str) -> UUID | None:
    """The request of a token, or None if we have not signed it."""
    if not _TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    reset_id, signature = UUID(bytes=raw[:-_SIGNATURE_BYTES]), raw[-_SIGNATURE_BYTES:]
    matches = [hmac.compare_digest(signature, expected) for expected in _signatures(reset_id)]
    return reset_id if any(matches) else None


def _signatures(reset_id: UUID) -> list[bytes]:
    fingerprints = encryption.fingerprints(reset_id.bytes, context=_PURPOSE)
    return [fingerprint[:_SIGNATURE_BYTES] for fingerprint in fingerprints]
