"""Signed addresses of pages that people open from a mail.

An address states the ID of a request and is signed with a key derived from ENCRYPTION_KEYS
(HMAC-SHA256, see app.common.encryption), so a dump of the database contains none.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.common import encryption

#: 160 bits, so that the total is a multiple of 3 bytes and base64 is unambiguous.
_SIGNATURE_BYTES: Final = 20
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{48}")


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """The links of one kind. path: of the page, below the public address of the application;
    purpose: a signature for one purpose is none for another."""

    path: str
    purpose: str

    def url_of(self, request_id: UUID, *, base: str) -> str:
        """base: public address of the application."""
        return f"{base}{self.path}/{self.sign(request_id)}"

    def sign(self, request_id: UUID) -> str:
        """The token of a request."""
        return base64.urlsafe_b64encode(request_id.bytes + self._signatures(request_id)[0]).decode()

    def verify(self, token: str) -> UUID | None:
        """The request of a token, or None if we have not signed it."""
        if not _TOKEN.fullmatch(token):
            return None
        raw = base64.urlsafe_b64decode(token)
        request_id, signature = UUID(bytes=raw[:-_SIGNATURE_BYTES]), raw[-_SIGNATURE_BYTES:]
        expected = self._signatures(request_id)
        matches = [hmac.compare_digest(signature, each) for each in expected]
        return request_id if any(matches) else None

    def _signatures(self, request_id: UUID) -> list[bytes]:
        fingerprints = encryption.fingerprints(request_id.bytes, context=self.purpose)
        return [fingerprint[:_SIGNATURE_BYTES] for fingerprint in fingerprints]
