"""The link that a file is downloaded with, without signing in.

It says which file of which order, and until when, and is signed with a key derived from
ENCRYPTION_KEYS (HMAC-SHA256, see app.common.encryption): a new key signs, old ones still verify.
So a link costs no row until it is used, and a dump of the database holds none.
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
#: Of the expiry, in seconds. With it all is a multiple of 3 bytes: no two texts mean the same.
_TIME_BYTES: Final = 7
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{116}")


@dataclass(frozen=True, slots=True)
class Link:
    """expires_at: in whole seconds; id: what its downloads are counted under."""

    order_id: UUID
    file_id: UUID
    expires_at: datetime
    id: UUID = field(default_factory=uuid4)


def token_of(link: Link) -> str:
    """The link as text that nobody else can make: letters, digits, `-` and `_`."""
    said = b"".join(
        (
            link.order_id.bytes,
            link.file_id.bytes,
            link.id.bytes,
            int(link.expires_at.timestamp()).to_bytes(_TIME_BYTES, "big"),
        )
    )
    signature, *_ = encryption.fingerprints(said, context=_PURPOSE)
    return base64.urlsafe_b64encode(said + signature).decode()


def read(token: str) -> Link:
    """What a link says that is still valid. Raises LinkInvalid, LinkExpired."""
    if not _TOKEN.fullmatch(token):
        raise LinkInvalid
    raw = base64.urlsafe_b64decode(token)
    said, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    ours = [
        hmac.compare_digest(signature, one)
        for one in encryption.fingerprints(said, context=_PURPOSE)
    ]
    if not any(ours):
        raise LinkInvalid
    link = Link(
        order_id=UUID(bytes=said[:16]),
        file_id=UUID(bytes=said[16:32]),
        id=UUID(bytes=said[32:48]),
        expires_at=datetime.fromtimestamp(int.from_bytes(said[48:], "big"), UTC),
    )
    if clock.now() >= link.expires_at:
        raise LinkExpired
    return link
