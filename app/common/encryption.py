"""Encryption of secrets that are stored and read again: AES-256-GCM (NIST SP 800-38D)."""

import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.common.process_state import Slot

_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12


class DecryptionFailed(Exception):
    """The value was not encrypted by us for this context, or its key is missing."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """Keys by id, the one that encrypts first, and those of fingerprints and signatures."""

    ciphers: Mapping[str, AESGCM]
    fingerprints: Sequence[bytes]
    signatures: Sequence[bytes]


_keys: Final[Slot[_Keys]] = Slot("encryption key")


def configure(secrets: Sequence[str]) -> None:
    """Encrypt with the first of `secrets`; the others still decrypt what they encrypted.

    secrets: of high entropy, 32 characters or more. A key and its id are derived from each
    (HKDF, RFC 5869), so to rotate keys, add a new secret in front.
    """
    ciphers = {
        _derive(secret, b"id", _ID_BYTES).hex(): AESGCM(_derive(secret, b"key", 32))
        for secret in secrets
    }
    _keys.configure(
        _Keys(
            ciphers,
            [_derive(secret, b"fingerprint", 32) for secret in secrets],
            [_derive(secret, b"signature", 32) for secret in secrets],
        )
    )


def _derive(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"payment-flow sealing " + purpose).derive(
        secret.encode()
    )


def encrypt(plaintext: bytes, *, context: str) -> bytes:
    """Encrypt `plaintext` so that it can be decrypted only for the same `context`.

    context: what it belongs to, such as `two-factor/<user id>`: a value that is copied to another
    row cannot be decrypted there. The id of the key is stored with it.
    """
    key_id, key = next(iter(_keys().ciphers.items()))
    nonce = os.urandom(_NONCE_BYTES)
    return bytes.fromhex(key_id) + nonce + key.encrypt(nonce, plaintext, context.encode())


def decrypt(ciphertext: bytes, *, context: str) -> bytes:
    """The plaintext. Raises DecryptionFailed."""
    key_id, rest = ciphertext[:_ID_BYTES].hex(), ciphertext[_ID_BYTES:]
    key = _keys().ciphers.get(key_id)
    if key is None:
        raise DecryptionFailed("its key is not among ENCRYPTION_KEYS")
    nonce, encrypted = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
    try:
        return key.decrypt(nonce, encrypted, context.encode())
    except InvalidTag as error:
        raise DecryptionFailed("changed, or encrypted for another context") from error


def fingerprints(plaintext: bytes, *, context: str) -> list[bytes]:
    """Keyed hashes by which equal values are found: HMAC-SHA256, one for each of our keys.

    Store the first, search for all. Without our keys, values cannot be found by brute force.
    """
    text = context.encode() + b"\0" + plaintext
    return [hmac.digest(key, text, "sha256") for key in _keys().fingerprints]


def signing_keys(context: str = "") -> Sequence[Ed25519PrivateKey]:
    """Keys for signatures that others verify: the first signs, all of them are published.

    context: for whom, such as `webhooks/<endpoint id>`. A signature for one context is none for
    another, because each has keys of its own.
    """
    seeds = _keys().signatures
    if context:
        seeds = [hmac.digest(seed, context.encode(), "sha256") for seed in seeds]
    return [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
