"""Signed links with which files are downloaded without signing in.

A link states a file, an order and an expiry, and is signed with a key derived from ENCRYPTION_KEYS
(HMAC-SHA256, see app.common.encryption): the first key signs, all of them verify. So a link needs
no row until it is used, and a dump of the database contains none.
"""

import base64
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from app.common import clock, encryption
from app.delivery.files.errors import LinkExpired, LinkInvalid

_PURPOSE: Final = "download link"
_SIGNATURE_BYTES: Final = 32
#: Of the expiry in seconds. The total is a multiple of 3 bytes, so that base64 is unambiguous.
_TIME_BYTES: Final = 5
_SERIAL_BYTES: Final = 2
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{116}")


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """expires_at: in whole seconds. serial: how often earlier links to the files of the order were
    revoked. id: of the download that its first use starts."""

    order_id: UUID
    file_id: UUID
    expires_at: datetime
    serial: int = 0
    id: UUID = field(default_factory=uuid4)


def sign(link: DownloadLink) -> str:
    """The token of a link: letters, digits, `-` and `_`."""
    payload = b"".join(
        (
            link.order_id.bytes,
            link.file_id.bytes,
            link.id.bytes,
            link.serial.to_bytes(_SERIAL_BYTES, "big"),
            int(link.expires_at.timestamp()).to_bytes(_TIME_BYTES, "big"),
        )
    )
    signature, *_ = encryption.fingerprints(payload, context=_PURPOSE)
    return base64.urlsafe_b64encode(payload + signature).decode()


def verify(token: str) -> DownloadLink:
    """The link of a token. Raises LinkInvalid, LinkExpired."""
    if not _TOKEN.fullmatch(token):
        raise LinkInvalid
    raw = base64.urlsafe_b64decode(token)
    payload, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    matches = [
        hmac.compare_digest(signature, expected)
        for expected in encryption.fingerprints(payload, context=_PURPOSE)
    ]
    if not any(matches):
        raise LinkInvalid
    link = DownloadLink(
        order_id=UUID(bytes=payload[:16]),
        file_id=UUID(bytes=payload[16:32]),
        id=UUID(bytes=payload[32:48]),
        serial=int.from_bytes(payload[48:-_TIME_BYTES], "big"),
        expires_at=datetime.fromtimestamp(int.from_bytes(payload[-_TIME_BYTES:], "big"), UTC),
    )
    if clock.now() >= link.expires_at:
        raise LinkExpired
    return link
