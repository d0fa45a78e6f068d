"""The files of the console, as they are served: hashed, compressed and kept in memory.

All files share one version, the hash of everything, which is part of their addresses. So browsers
keep them for ever, and an update replaces all of them at once.
"""

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from app.console.vendored import LIBRARIES

_STATIC: Final = Path(__file__).parent / "static"

_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

#: Shared modules that only few views need.
_RARE: Final = {"api/parts.js", "api/upload.js", "ui/csv.js", "ui/pairs.js", "ui/upload.js"}
#: Texts that every page needs. The others are loaded with the views that need them.
_TEXTS: Final = {"text/en.js", "text/en-menus.js", "text/en-wallet.js"}


@dataclass(frozen=True)
class Asset:
    """A file of the console. compressed: with gzip."""

    media_type: str
    content: bytes
    compressed: bytes

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:32]


@cache
def assets() -> dict[str, Asset]:
    """All files by their path below the folder, such as `ui/table.js`."""
    found = {}
    for path in sorted(_STATIC.rglob("*")):
        if path.suffix in _MEDIA_TYPES:
            content = path.read_bytes()
            name = path.relative_to(_STATIC).as_posix()
            packed = gzip.compress(content, mtime=0)
            found[name] = Asset(_MEDIA_TYPES[path.suffix], content, packed)
    return found


@cache
def version() -> str:
    """The version of all files."""
    digest = hashlib.sha256()
    for name, asset in assets().items():
        digest.update(f"{name} {asset.etag}\n".encode())
    return digest.hexdigest()[:16]


def initial_modules() -> list[str]:
    """The modules that most pages need, to be loaded at once instead of one after the other."""
    libraries = {
        f"vendor/{library.file_of(module).name}"
        for library in LIBRARIES
        if library.is_initial
        for module in library.modules
    }
    shared = ("ui/", "api/", "shell/")
    return [
        name
        for name in assets()
        if name in libraries
        or name in _TEXTS
        or name.endswith("views.js")
        or (name.endswith(".js") and name.startswith(shared) and name not in _RARE)
    ]


def import_map(base: str) -> str:
    """The import map of the page. base: address of the files, with a slash at the end."""
    names = {
        module: f"{base}vendor/{library.file_of(module).name}"
        for library in LIBRARIES
        for module in library.modules
    }
    return json.dumps({"imports": names}, indent=2)


def csp_hash(text: str) -> str:
    """The source expression that allows this inline script (CSP 3, 2.3.1)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
