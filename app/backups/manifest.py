"""The data directory in a tar file, checked against PostgreSQL's list of its files."""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, cast

import orjson

from app.backups.errors import BackupError

NAME: Final = "backup_manifest"
_PIECE_BYTES: Final = 2**20
#: Begins the last member of the JSON object, the checksum of all before.
_CHECKSUM: Final = b'"Manifest-Checksum"'

#: Called with each member and its content, in pieces, which it must read to the end.
Visit = Callable[[tarfile.TarInfo, Iterator[bytes]], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """raw: the file as PostgreSQL wrote it; start, stop: positions of the WAL that it needs."""

    raw: bytes
    timeline: int
    start: str
    stop: str
    system: str


def check(
    content: Iterator[bytes], *, what: str, visit: Visit | None = None, raw: bytes | None = None
) -> Manifest:
    """Read a tar file once, and compare every file with the list at its end.

    content: of the tar file; what: named in messages; visit: receives every member; raw: the list,
    if it is kept elsewhere. Raises BackupError if a file is missing, changed, or not in the list.
    """
    found: dict[str, tuple[int, str]] = {}
    listed = b""
    for member, pieces in _members(content, what=what):
        digest, size = sha256(), 0
        kept = bytearray()

        def counted(member: tarfile.TarInfo = member, pieces: Iterator[bytes] = pieces) -> Any:
            nonlocal size
            for piece in pieces:
                digest.update(piece)  # noqa: B023 – used before the next member
                size += len(piece)
                if member.name == NAME:
                    kept.extend(piece)  # noqa: B023
                yield piece

        if visit is None:
            for _ in counted():
                pass
        else:
            visit(member, counted())
        if member.name == NAME:
            listed = bytes(kept)
        elif member.isfile():
            found[member.name] = size, digest.hexdigest()
    if raw is not None and listed != raw:
        raise BackupError(f"{what} is damaged: its list of files is another one.")
    return _compared(listed, found, what=what)


def _compared(raw: bytes, found: dict[str, tuple[int, str]], *, what: str) -> Manifest:
    try:
        read = orjson.loads(raw)
    except ValueError:
        raise BackupError(f"{what} is damaged: it has no list of its files.") from None
    signed = raw[: raw.rindex(_CHECKSUM)]
    if sha256(signed).hexdigest() != read["Manifest-Checksum"]:
        raise BackupError(f"{what} is damaged: its list of files was changed.")
    expected = {each["Path"]: (each["Size"], each["Checksum"]) for each in read["Files"]}
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            raise BackupError(f"{what} is damaged: {name} is not as PostgreSQL wrote it.")
    needed = read["WAL-Ranges"][-1]
    return Manifest(
        raw,
        needed["Timeline"],
        needed["Start-LSN"],
        needed["End-LSN"],
        str(read["System-Identifier"]),
    )


def _members(
    content: Iterator[bytes], *, what: str
) -> Iterator[tuple[tarfile.TarInfo, Iterator[bytes]]]:
    stream = cast("Any", _Reader(content))
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE_BYTES) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                yield member, _pieces(file)
                cast("Any", tar).members = []  # or it remembers all of them
    except tarfile.TarError:
        raise BackupError(f"{what} is damaged: it is not a tar file.") from None


def _pieces(file: Any) -> Iterator[bytes]:
    while file is not None and (piece := file.read(_PIECE_BYTES)):
        yield piece


class _Reader(io.RawIOBase):
    """A file that is read from an iterator."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content
        self._waiting = bytearray()

    def read(self, size: int = -1) -> bytes:
        while len(self._waiting) < size:
            piece = next(self._content, None)
            if piece is None:
                break
            self._waiting += piece
        found = bytes(self._waiting[:size])
        del self._waiting[:size]
        return found
