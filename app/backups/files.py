"""The contents of FILES_DIR in the backups: files for sale and images.

A content is never changed, so what was copied once is never copied again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.backups.sealed import sync_folder
from app.backups.store import Store

_PIECE_BYTES: Final = 2**20
#: Of contents that are being received.
_INCOMING: Final = "incoming"


def copy_new(store: Store, folder: Path) -> list[str]:
    """Copy what is not in the backups yet. Returns the names of everything in the folder, below
    it."""
    names = sorted(_names(folder))
    for name in names:
        target = store.files / name
        if not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            store.write(f"files/{name}", _pieces(folder / name))
    return names


def restore_missing(store: Store, folder: Path) -> int:
    """Copy back what is missing in the folder. Returns the number of files.

    Raises sealed.Unreadable.
    """
    count = 0
    for name in _names(store.files):
        target = folder / name
        if target.exists():
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.new")
        with draft.open("wb") as file:
            draft.chmod(0o600)
            file.writelines(store.read(f"files/{name}"))
        draft.replace(target)
        sync_folder(target.parent)
        count += 1
    return count


def delete_unused(store: Store, folder: Path | None) -> int:
    """Delete what neither a backup nor the folder contains. Returns the number of files."""
    used = set(_names(folder)) if folder else set()
    for backup in store.backups():
        used |= set(store.read_text(f"base/{backup.name}/files").splitlines())
    unused = [name for name in _names(store.files) if name not in used]
    for name in unused:
        (store.files / name).unlink()
    return len(unused)


def _names(folder: Path) -> Iterator[str]:
    for path in folder.glob("*/*/*"):
        name = path.relative_to(folder)
        if name.parts[0] != _INCOMING and path.suffix != ".new" and path.is_file():
            yield str(name)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
