"""Names and types of files: what may be one, and how a name goes over the wire."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from werkzeug.http import parse_options_header

from app.common.errors import BadRequest, UnsupportedMediaType

_MAX_BYTES: Final = 255  # what file systems take
#: Characters that turn the direction of a text, so that `exe.pdf` is no PDF.
_TURNING: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_UNPRINTED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_EXTENDED: Final = re.compile(r";\s*(filename\*\s*=\s*[^;\s]+)", re.I)
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}", re.A)

#: A form around a file, as clients send it unless they are told otherwise, is not the file; the
#: others are what a browser would run as a page of ours, if ever anything showed it as one.
_REFUSED: Final = re.compile(
    r"multipart/.*|application/x-www-form-urlencoded"
    r"|text/html|application/xhtml\+xml|image/svg\+xml"
)


def file_name(*, header: str | None, given: str | None) -> str:
    """The name that the sender gives a file, in Content-Disposition or else in the query.

    header: as of RFC 6266, `filename*` preferred. Raises BadRequest.
    """
    name = _in_header(header) or given or ""
    name = unicodedata.normalize("NFC", name).strip()
    if problem := _problem_of(name):
        raise BadRequest(details={"name": [problem]})
    return name


def _in_header(header: str | None) -> str | None:
    extended = _EXTENDED.search(header or "")
    _, options = parse_options_header(f"attachment; {extended[1]}" if extended else header)
    name = options.get("filename")
    if name is None or extended:
        return name
    try:  # headers are read as Latin-1, and many write UTF-8
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name


def _problem_of(name: str) -> str | None:
    if not name:
        return "Say it in Content-Disposition (filename*) or as ?name=."
    if len(name.encode(errors="replace")) > _MAX_BYTES:
        return f"Longer than {_MAX_BYTES} bytes."
    if name in (".", "..") or set(name) & {"/", "\\"}:
        return "Must be the name of a file, without folders."
    if set(name) & _TURNING or _UNPRINTED & set(map(unicodedata.category, name)):
        return "Must not have control characters."
    return None


def media_type(sent: str, *, allowed: Sequence[str]) -> str:
    """The type under which a file is kept, without parameters.

    sent: the Content-Type, `application/octet-stream` if it is empty; allowed: types such as
    `application/zip` or `audio/*`, any but a few if there are none. Raises UnsupportedMediaType.
    """
    kind = sent.partition(";")[0].strip().lower() or "application/octet-stream"
    if not _MEDIA_TYPE.fullmatch(kind) or _REFUSED.fullmatch(kind):
        raise UnsupportedMediaType("Send the file itself, with its own Content-Type")
    if allowed and not {kind, f"{kind.partition('/')[0]}/*"} & set(allowed):
        raise UnsupportedMediaType(f"Files must be of these types: {', '.join(allowed)}")
    return kind


def attachment(name: str) -> str:
    """A Content-Disposition that has browsers save a file under `name` (RFC 6266, appendix D)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    # Wide dots and slashes have become plain ones, and must not lead to a folder.
    plain = re.sub(r'["\\%;/]|[^ -~]', "_", plain).strip(" .") or "download"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
