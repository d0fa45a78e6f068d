"""Signatures in Stripe's format: HMAC-SHA256 over time and raw body."""

import hmac
import time


def signature_header(secret: str, body: str) -> str:
    """The `Stripe-Signature` header, which authenticates the body and its time."""
    now = int(time.time())
    signature = hmac.new(secret.encode(), f"{now}.{body}".encode(), "sha256").hexdigest()
    return f"t={now},v1={signature}"
