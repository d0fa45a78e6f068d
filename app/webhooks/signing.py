"""Signatures of webhooks as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com).

`v1` is HMAC-SHA256 with the secret of the endpoint. `v1a` is Ed25519 with a key of the endpoint
whose public half is published: it proves to others than the merchant who has sent a message. Each
endpoint has a key of its own, because a message for one could be sent to another otherwise.
"""

import base64
import hmac
import secrets as randomness
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.common import encryption

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 – a prefix
PUBLIC_KEY_PREFIX: Final = "whpk_"
_SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    return randomness.token_bytes(_SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """A secret as merchants and the libraries take it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def secret_context(secret_id: UUID) -> str:
    """What the encryption of a stored secret is bound to."""
    return f"webhook-secret/{secret_id}"


def public_keys(endpoint_id: UUID) -> Sequence[str]:
    """The keys that verify `v1a` signatures: one for each key of the installation."""
    keys = (key.public_key().public_bytes_raw() for key in _private_keys(endpoint_id))
    return [PUBLIC_KEY_PREFIX + base64.b64encode(key).decode() for key in keys]


def signed_headers(
    message_id: str, seconds: int, body: bytes, *, secrets: Sequence[bytes], endpoint_id: UUID
) -> dict[str, str]:
    """The headers of an attempt. seconds: when it is made, since 1970; secrets: all valid ones."""
    signed = b"%b.%d.%b" % (message_id.encode(), seconds, body)
    signatures = [
        *(("v1", hmac.digest(secret, signed, "sha256")) for secret in secrets),
        *(("v1a", key.sign(signed)) for key in _private_keys(endpoint_id)),
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(
            f"{version},{base64.b64encode(signature).decode()}" for version, signature in signatures
        ),
    }


def _private_keys(endpoint_id: UUID) -> Sequence[Ed25519PrivateKey]:
    return encryption.signing_keys(f"webhooks/{endpoint_id}")
