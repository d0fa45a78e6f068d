"""Names and media types of files in HTTP headers."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from werkzeug.http import parse_options_header

from app.common.errors import BadRequest, UnsupportedMediaType
from app.common.text import human_text

#: The limit of common file systems.
_MAX_NAME_BYTES: Final = 255
#: Marks that change the order of what follows them, and can make an `.exe` look like a `.pdf`.
_BIDI_MARKS: Final = frozenset("\u061c\u200e\u200f")
_EXTENDED_NAME: Final = re.compile(r";\s*(filename\*\s*=\s*[^;\s]+)", re.I)
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}", re.A)

#: Forms contain the file, as many clients send it by default, and are not the file itself. The
#: others could run scripts in our origin if a browser displayed them.
_FORBIDDEN_TYPES: Final = re.compile(
    r"multipart/.*|application/x-www-form-urlencoded"
    r"|text/html|application/xhtml\+xml|image/svg\+xml"
)


def file_name(*, header: str | None, default: str | None) -> str:
    """The name of an uploaded file.

    header: Content-Disposition (RFC 6266), of which `filename*` is preferred. default: the name if
    the header states none. Raises BadRequest.
    """
    name = _name_in(header) or default or ""
    try:
        name = human_text(name)
    except ValueError as error:
        raise BadRequest(details={"name": [str(error)]}) from error
    if problem := _name_problem(name):
        raise BadRequest(details={"name": [problem]})
    return name


def _name_in(header: str | None) -> str | None:
    extended = _EXTENDED_NAME.search(header or "")
    _, options = parse_options_header(f"attachment; {extended[1]}" if extended else header)
    name = options.get("filename")
    if name is None or extended:
        return name
    try:  # Headers are decoded as Latin-1, but many clients send UTF-8.
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name


def _name_problem(name: str) -> str | None:
    if not name:
        return "Required, in Content-Disposition (filename*) or as ?name=."
    if len(name.encode(errors="replace")) > _MAX_NAME_BYTES:
        return f"Must be at most {_MAX_NAME_BYTES} bytes long."
    if name in (".", "..") or set(name) & {"/", "\\"}:
        return "Must be a file name without a path."
    if set(name) & _BIDI_MARKS:
        return "Must not contain control characters."
    return None


def media_type(header: str, *, allowed: Sequence[str]) -> str:
    """The media type of an uploaded file, without parameters.

    header: Content-Type; empty for `application/octet-stream`. allowed: types such as
    `application/zip` or `audio/*`; empty for all but the forbidden ones. Raises
    UnsupportedMediaType.
    """
    kind = header.partition(";")[0].strip().lower() or "application/octet-stream"
    if not _MEDIA_TYPE.fullmatch(kind) or _FORBIDDEN_TYPES.fullmatch(kind):
        raise UnsupportedMediaType("Send the file itself with its own Content-Type")
    if allowed and not {kind, f"{kind.partition('/')[0]}/*"} & set(allowed):
        raise UnsupportedMediaType(f"The file must have one of these types: {', '.join(allowed)}")
    return kind


def attachment(name: str) -> str:
    """A Content-Disposition with which browsers save a file as `name` (RFC 6266, appendix D)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    # Normalization turns wide dots and slashes into ASCII, which must not form a path.
    plain = re.sub(r'["\\%;/]|[^ -~]', "_", plain).strip(" .") or "download"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
