"""Signed addresses of pages that their owner can revoke.

An address states an ID and a number that revoking raises, and is signed with a key derived from
ENCRYPTION_KEYS (HMAC-SHA256, see app.common.encryption): the first key signs, all of them verify.
So a page needs no row before it is revoked, and a dump of the database contains no address.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.common import encryption

_SERIAL_BYTES: Final = 2
#: 144 bits, so that the total is a multiple of 3 bytes and base64 is unambiguous.
_SIGNATURE_BYTES: Final = 18
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{48}")
#: How often an address can be revoked.
MAX_SERIAL: Final = 256**_SERIAL_BYTES - 1


@dataclass(frozen=True, slots=True)
class RevocableLinks:
    """The links of one kind. path: of the pages, below the public address of the application;
    purpose: a signature for one purpose is none for another."""

    path: str
    purpose: str

    def url_of(self, subject_id: UUID, *, base: str, serial: int = 0) -> str:
        """base: public address of the application; serial: how often an earlier one was revoked."""
        return f"{base}{self.path}/{self.sign(subject_id, serial=serial)}"

    def sign(self, subject_id: UUID, *, serial: int) -> str:
        """The token of a page. serial: how often an earlier one was revoked."""
        payload = subject_id.bytes + serial.to_bytes(_SERIAL_BYTES, "big")
        return base64.urlsafe_b64encode(payload + self._signatures(payload)[0]).decode()

    def verify(self, token: str) -> tuple[UUID, int] | None:
        """The ID and serial of a token, or None if we have not signed it."""
        if not _TOKEN.fullmatch(token):
            return None
        raw = base64.urlsafe_b64decode(token)
        payload, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        matches = [hmac.compare_digest(signature, each) for each in self._signatures(payload)]
        if not any(matches):
            return None
        serial = int.from_bytes(payload[-_SERIAL_BYTES:], "big")
        return UUID(bytes=payload[:-_SERIAL_BYTES]), serial

    def _signatures(self, payload: bytes) -> list[bytes]:
        fingerprints = encryption.fingerprints(payload, context=self.purpose)
        return [fingerprint[:_SIGNATURE_BYTES] for fingerprint in fingerprints]
