"""Signatures as Stripe makes them: HMAC-SHA256 over time and raw body."""

import hmac
import time


def signature_header(secret: str, body: str) -> str:
    """`Stripe-Signature`, which proves who sends the body, and when."""
    now = int(time.time())
    signature = hmac.new(secret.encode(), f"{now}.{body}".encode(), "sha256").hexdigest()
    return f"t={now},v1={signature}"
