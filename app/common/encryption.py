"""Secrets that are stored and must be read again: AES-256-GCM (NIST SP 800-38D)."""

import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.common.process_state import Slot

_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12


class SealBroken(Exception):
    """What is stored was not sealed by us for this purpose, or its key is gone."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """Keys by id, the one that encrypts first, and those of the fingerprints."""

    ciphers: Mapping[str, AESGCM]
    fingerprints: Sequence[bytes]


_keys: Final[Slot[_Keys]] = Slot("encryption key")


def configure(secrets: Sequence[str]) -> None:
    """Seal with the first of `secrets`; the others still open what they sealed.

    secrets: of high entropy, 32 characters or more. A key and its id are derived from each
    (HKDF, RFC 5869), so whoever rotates adds one in front and names nothing.
    """
    ciphers = {
        _derive(secret, b"id", _ID_BYTES).hex(): AESGCM(_derive(secret, b"key", 32))
        for secret in secrets
    }
    _keys.configure(_Keys(ciphers, [_derive(secret, b"fingerprint", 32) for secret in secrets]))


def _derive(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"payment-flow sealing " + purpose).derive(
        secret.encode()
    )


def seal(plaintext: bytes, *, context: str) -> bytes:
    """`plaintext`, to be opened only with one of our keys and for the same `context`.

    context: what it belongs to, such as `two-factor/<user id>`, so that a sealed value that is
    copied to another row does not open there. The id of the key is kept with it.
    """
    key_id, key = next(iter(_keys().ciphers.items()))
    nonce = os.urandom(_NONCE_BYTES)
    return bytes.fromhex(key_id) + nonce + key.encrypt(nonce, plaintext, context.encode())


def unseal(sealed: bytes, *, context: str) -> bytes:
    """What was sealed. Raises SealBroken."""
    key_id, rest = sealed[:_ID_BYTES].hex(), sealed[_ID_BYTES:]
    key = _keys().ciphers.get(key_id)
    if key is None:
        raise SealBroken("its key is not among ENCRYPTION_KEYS")
    nonce, ciphertext = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
    try:
        return key.decrypt(nonce, ciphertext, context.encode())
    except InvalidTag as error:
        raise SealBroken("changed, or sealed for something else") from error


def fingerprints(plaintext: bytes, *, context: str) -> list[bytes]:
    """What tells whether two sealed values are the same: HMAC-SHA256, one for each of our keys.

    Store the first, look for all of them. Without our keys nobody can try out what was sealed.
    """
    text = context.encode() + b"\0" + plaintext
    return [hmac.digest(key, text, "sha256") for key in _keys().fingerprints]
