"""Licence files, with which an application checks a licence without a connection.

A file is a JSON Web Signature in compact form (RFC 7515), signed with Ed25519 (`EdDSA`, RFC 8037).
The public keys are published as a JSON Web Key Set (RFC 7517).
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.common import clock, encryption
from app.delivery.licences.activations import ActiveLicence
from app.delivery.licences.service import decrypt_key

#: How long a file can be used. A licence that is revoked meanwhile stays usable offline.
LIFETIME: Final = timedelta(days=30)
_ALGORITHM: Final = "EdDSA"
#: So that no other token can be taken for a licence file.
_TYPE: Final = "licence+jwt"


@dataclass(frozen=True, slots=True)
class LicenceFile:
    """content: the signed licence, as the application stores it."""

    content: str
    issued_at: datetime
    expires_at: datetime


def sign(active: ActiveLicence) -> LicenceFile:
    """A licence file for the machine, valid for LIFETIME or until the licence expires."""
    licence = active.details.licence
    issued_at = clock.now().replace(microsecond=0)
    expires_at = issued_at + LIFETIME
    if licence.expires_at is not None:
        expires_at = min(expires_at, licence.expires_at.replace(microsecond=0))
    claims = {
        "sub": str(licence.id),
        "key": decrypt_key(licence),
        "product": str(licence.product_id),
        "productName": active.details.product_name,
        "instance": active.activation.instance,
        "iat": issued_at,
        "exp": expires_at,
        "licenceExpiresAt": clock.format_timestamp(licence.expires_at),
    }
    private_key = encryption.signing_keys()[0]
    content = jwt.encode(
        claims,
        private_key,
        _ALGORITHM,
        headers={"typ": _TYPE, "kid": _public_key(private_key)["kid"]},
    )
    return LicenceFile(content, issued_at, expires_at)


def public_keys() -> list[dict[str, Any]]:
    """The public keys as JSON Web Keys. The first signs, the others have signed or will."""
    return [_public_key(key) for key in encryption.signing_keys()]


def _public_key(key: Ed25519PrivateKey) -> dict[str, Any]:
    """Its id is its thumbprint (RFC 7638)."""
    required = {"crv": "Ed25519", "kty": "OKP", "x": _base64(key.public_key().public_bytes_raw())}
    text = json.dumps(required, separators=(",", ":"), sort_keys=True)
    thumbprint = _base64(hashlib.sha256(text.encode()).digest())
    return required | {"alg": _ALGORITHM, "use": "sig", "kid": thumbprint}


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
