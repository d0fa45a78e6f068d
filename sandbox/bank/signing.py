"""Standard Webhooks signatures (HMAC-SHA256 over id, time and raw body), both ways."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError


def signed_headers(key: bytes, *, message_id: str, body: str) -> dict[str, str]:
    """The headers that prove who sends the body, and when."""
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(message_id, now, body),
    }


def is_signed(keys: Iterable[bytes], *, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the keys has signed the body within the last five minutes."""
    return any(_verifies(key, dict(headers), body) for key in keys)


def _verifies(key: bytes, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(key).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: not base64, or not UTF-8
        return False
    return True
