"""Files of backups: encrypted, authenticated, and written as a whole or not at all."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backups import sealed
from app.backups.sealed import CHUNK_BYTES, Unreadable

KEY, OTHER = "a" * 32, "b" * 32
#: Compresses badly, so that it makes several chunks.
CONTENT = os.urandom(3 * CHUNK_BYTES + 17)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    sealed.write(path, [CONTENT], keys=[KEY], name="wal/1")
    return path


def read(path: Path, *, key: str = KEY, name: str = "wal/1") -> bytes:
    return b"".join(sealed.read(path, keys=[key], name=name))


@pytest.mark.parametrize("content", [b"", b"x", bytes(10_000_000), CONTENT])
def test_what_was_written_is_read(tmp_path: Path, content: bytes) -> None:
    pieces = [content[i : i + 1_000_003] for i in range(0, len(content), 1_000_003)]
    size = sealed.write(tmp_path / "file", pieces, keys=[KEY], name="n")

    assert read(tmp_path / "file", name="n") == content
    assert size == (tmp_path / "file").stat().st_size


def test_nothing_of_the_content_is_in_the_file_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    sealed.write(tmp_path / "file", [b"secret"], keys=[KEY], name="n")

    assert b"secret" not in (tmp_path / "file").read_bytes()
    assert (tmp_path / "file").stat().st_mode & 0o077 == 0


def test_another_key_is_named(path: Path) -> None:
    with pytest.raises(Unreadable, match="with a key that is not among BACKUP_KEYS"):
        read(path, key=OTHER)


def test_earlier_keys_decrypt(path: Path) -> None:
    assert b"".join(sealed.read(path, keys=[OTHER, KEY], name="wal/1")) == CONTENT


def test_a_file_cannot_stand_in_for_another(path: Path) -> None:
    with pytest.raises(Unreadable, match="was changed or cut off"):
        read(path, name="wal/2")


def chunks(text: bytes) -> list[bytes]:
    head, size = text[:24], CHUNK_BYTES + 16
    return [head, *(text[i : i + size] for i in range(24, len(text), size))]


@pytest.mark.parametrize(
    "damage",
    [
        lambda parts: [*parts[:2], bytes([parts[2][0] ^ 1]) + parts[2][1:], *parts[3:]],
        lambda parts: [parts[0], parts[2], parts[1], *parts[3:]],
        lambda parts: [*parts[:2], parts[1], *parts[2:]],
        lambda parts: parts[:-1],
        lambda parts: [*parts[:-1], parts[-1][:-1]],
        lambda parts: [*parts, b"more"],
        lambda parts: [parts[0][:10]],
        lambda parts: [parts[0]],
        lambda parts: [b"PK\3\4" + parts[0][4:], *parts[1:]],
    ],
    ids=[
        "changed",
        "swapped",
        "repeated",
        "cut-off",
        "shortened",
        "extended",
        "no-head",
        "no-content",
        "foreign",
    ],
)
def test_every_damage_is_noticed(path: Path, damage: object) -> None:
    parts = chunks(path.read_bytes())
    assert len(parts) > 4
    path.write_bytes(b"".join(damage(parts)))  # type: ignore[operator]

    with pytest.raises(Unreadable, match="is damaged"):
        read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="nothing is missing"):
        read(tmp_path / "nothing")


def test_a_failed_write_leaves_what_was_there(path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        sealed.write(path, broken(), keys=[KEY], name="wal/1")

    assert read(path) == CONTENT
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_memory_does_not_depend_on_the_size(tmp_path: Path) -> None:
    piece = os.urandom(100_000) + bytes(900_000)
    tracemalloc.start()
    sealed.write(tmp_path / "file", (piece for _ in range(40)), keys=[KEY], name="n")
    total = sum(len(each) for each in sealed.read(tmp_path / "file", keys=[KEY], name="n"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert total == 40_000_000
    assert peak < 8_000_000
