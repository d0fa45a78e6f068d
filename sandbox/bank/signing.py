"""Standard Webhooks signatures (HMAC-SHA256 over id, time and raw body): sign and verify."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError


def signed_headers(key: bytes, *, message_id: str, body: str) -> dict[str, str]:
    """The headers that authenticate the body and its time."""
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(message_id, now, body),
    }


def is_signed(keys: Iterable[bytes], *, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the body was signed with one of the keys within the last five minutes."""
    return any(_verifies(key, dict(headers), body) for key in keys)


def _verifies(key: bytes, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(key).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: not base64, or not UTF-8
        return False
    return True
