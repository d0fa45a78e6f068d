"""Signatures of requests to a bank and of its webhooks.

Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over id, time and raw body.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from standardwebhooks import Webhook

from app.banks.providers import Provider
from app.common import clock
from app.inbox.errors import SignatureInvalid

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")

#: How far a message's time may be from ours, so that a recorded one cannot be replayed later.
TOLERANCE: Final = timedelta(minutes=5)

_ID: Final = re.compile(r"[!-~]{1,255}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_VERSION: Final = "v1,"


def signed_headers(provider: Provider, body: bytes, *, message_id: str) -> dict[str, str]:
    """The headers that sign `body` now. body: UTF-8."""
    seconds = _now()
    signature = _sign(provider.keys[0], message_id, seconds, body.decode())
    return dict(zip(HEADERS, (message_id, str(seconds), signature), strict=True))


def verify(provider: Provider, headers: Mapping[str, str], body: bytes) -> str:
    """The id of a message that `provider` has signed with one of its keys, recently.

    headers: those of HEADERS, empty when they were not sent. Raises SignatureInvalid.

    The library computes signatures, but does not verify them: it would read the system's clock,
    raise half a dozen kinds of error for malformed headers, and accept only one key.
    """
    message_id, timestamp, signatures = (headers[name] for name in HEADERS)
    if not message_id or not timestamp or not signatures:
        raise SignatureInvalid("MISSING")
    given = [word.encode() for word in signatures.split(" ") if word.startswith(_VERSION)]
    if not given or not _ID.fullmatch(message_id) or not _SECONDS.fullmatch(timestamp):
        raise SignatureInvalid("MALFORMED")
    seconds = int(timestamp)
    if abs(_now() - seconds) > TOLERANCE.total_seconds():
        raise SignatureInvalid("STALE")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise SignatureInvalid("MALFORMED") from error
    right = [_sign(key, message_id, seconds, text).encode() for key in provider.keys]
    if not any(hmac.compare_digest(one, other) for one in right for other in given):
        raise SignatureInvalid("FORGED")
    return message_id


def _sign(key: bytes, message_id: str, seconds: int, body: str) -> str:
    signature: str = Webhook(key).sign(message_id, datetime.fromtimestamp(seconds, UTC), body)
    return signature


def _now() -> int:
    return int(clock.now().timestamp())
