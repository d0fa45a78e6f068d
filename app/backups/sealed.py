"""Files that are compressed, encrypted and authenticated while they are written and read.

The content is compressed with zlib and cut into chunks, each encrypted with AES-256-GCM. The nonce
is the number of the chunk, and whether it is the last one (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár): no chunk can be changed, moved, repeated, or cut off at the end.
Each file has a key of its own, derived from a secret, a random salt and the file's name (HKDF,
RFC 5869), so that no file can stand in for another.
"""

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.backups.errors import BackupError

_MAGIC: Final = b"PFB1"
_ID_BYTES: Final = 4
_SALT_BYTES: Final = 16
_TAG_BYTES: Final = 16
#: Bytes of compressed content that are encrypted together.
CHUNK_BYTES: Final = 64 * 1024
#: The fastest: WAL and tables shrink to a fraction with any.
_LEVEL: Final = 1
#: Ends the name of a file that is being written.
DRAFT: Final = ".new"

Keys = Sequence[str]


class Unreadable(BackupError):
    """The file is missing, changed, cut off, or encrypted with another key."""


def write(path: Path, content: Iterable[bytes], *, keys: Keys, name: str) -> int:
    """Write `content` with the first key, atomically and durably. Returns the size of the file.

    name: what it is, below the folder of the backups; the file can be read only under this name.
    """
    # Only its owner may read it. Another writer of the same file has a draft of its own.
    descriptor, name_of_draft = mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=DRAFT)
    draft = Path(name_of_draft)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _encrypt(file, content, secret=keys[0], name=name)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return size


def read(path: Path, *, keys: Keys, name: str) -> Iterator[bytes]:
    """The content of the file. Raises Unreadable, and yields nothing that was changed."""
    try:
        with path.open("rb") as file:
            yield from _decompress(_decrypt(file, _key_for(file, path, keys=keys, name=name)))
    except FileNotFoundError:
        raise Unreadable(f"{path} is missing.") from None
    except (InvalidTag, zlib.error):
        raise Unreadable(f"{path} is damaged: it was changed or cut off.") from None


def _key_for(file: BinaryIO, path: Path, *, keys: Keys, name: str) -> AESGCM:
    """The key of the file that begins here. Raises Unreadable."""
    magic, key_id, salt = (file.read(count) for count in (len(_MAGIC), _ID_BYTES, _SALT_BYTES))
    if magic != _MAGIC or len(salt) < _SALT_BYTES:
        raise Unreadable(f"{path} is damaged: it is not a file of a backup.")
    secret = next((each for each in keys if _id_of(each) == key_id), None)
    if secret is None:
        raise Unreadable(f"{path} was encrypted with a key that is not among BACKUP_KEYS.")
    return _key_of(secret, salt=salt, name=name)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _id_of(secret: str) -> bytes:
    return HKDF(SHA256(), _ID_BYTES, salt=None, info=b"payment-flow backup id").derive(
        secret.encode()
    )


def _key_of(secret: str, *, salt: bytes, name: str) -> AESGCM:
    info = b"payment-flow backup " + name.encode()
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=info).derive(secret.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")


def _encrypt(file: BinaryIO, content: Iterable[bytes], *, secret: str, name: str) -> None:
    salt = os.urandom(_SALT_BYTES)
    key = _key_of(secret, salt=salt, name=name)
    file.write(_MAGIC + _id_of(secret) + salt)
    waiting, number = bytearray(), 0
    for compressed in _compress(content):
        waiting += compressed
        while len(waiting) > CHUNK_BYTES:
            chunk = bytes(waiting[:CHUNK_BYTES])
            file.write(key.encrypt(_nonce(number, is_last=False), chunk, None))
            del waiting[:CHUNK_BYTES]
            number += 1
    file.write(key.encrypt(_nonce(number, is_last=True), bytes(waiting), None))


def _decrypt(file: BinaryIO, key: AESGCM) -> Iterator[bytes]:
    """Raises InvalidTag."""
    number, chunk = 0, file.read(CHUNK_BYTES + _TAG_BYTES)
    while True:
        following = file.read(CHUNK_BYTES + _TAG_BYTES)
        if len(chunk) < _TAG_BYTES:
            raise InvalidTag
        yield key.decrypt(_nonce(number, is_last=not following), chunk, None)
        if not following:
            return
        number, chunk = number + 1, following


def _compress(content: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_LEVEL)
    for piece in content:
        yield compressor.compress(piece)
    yield compressor.flush()


def _decompress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Memory stays bounded: what a chunk expands to is given out in pieces."""
    decompressor = zlib.decompressobj()
    for chunk in chunks:
        waiting = chunk
        while waiting:
            yield decompressor.decompress(waiting, 16 * CHUNK_BYTES)
            waiting = decompressor.unconsumed_tail
    yield decompressor.flush()
    if not decompressor.eof:
        raise zlib.error
