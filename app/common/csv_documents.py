"""Writes CSV documents (RFC 4180) in UTF-8 that are safe for spreadsheets."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from app.common.fields import Flag, Schema

_OPERATORS: Final = "=+@\uff1d\uff0b\uff0d\uff20-"
#: Characters by which a spreadsheet recognizes a formula at the start of a cell
#: (https://owasp.org/www-community/attacks/CSV_Injection), including full-width forms.
FORMULA_STARTS: Final = f"\t\r\n{_OPERATORS}"
#: Where a cell may begin in the middle of a text: in many countries spreadsheets separate cells by
#: semicolons, and then our quotes do not protect. The pattern means the same in PostgreSQL.
CELL_WITHIN: Final = rf"""([;\t\r\n][ "]*)(?='*[{_OPERATORS}])"""

_ESCAPED_WITHIN: Final = re.compile(CELL_WITHIN.replace("(?=", "'(?="))


class CsvArgs(Schema):
    """The arguments of an endpoint that answers CSV."""

    bom = Flag(
        load_default=True,
        metadata={
            "description": "Whether CSV begins with a byte order mark. Without it, Excel does not"
            " recognize UTF-8"
        },
    )


def write(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of CSV; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def marked(parts: Iterator[bytes], *, bom: bool) -> Iterator[bytes]:
    """The parts of a document, of which the first begins with a byte order mark if `bom`."""
    yield (codecs.BOM_UTF8 if bom else b"") + next(parts, b"")
    yield from parts


#: The last row of a truncated document. It is too short to be imported.
TRUNCATED: Final = write([("This document is incomplete: request it again.",)])


def escape_formula(text: str | None) -> str | None:
    """Prefix everything that a spreadsheet would interpret as a formula with an apostrophe.

    So is what looks escaped already, so that `unescape_formula` restores every text.
    """
    if not text:
        return text
    text = re.sub(CELL_WITHIN, r"\1'", text)
    return f"'{text}" if _is_risky(text) else text


def unescape_formula(text: str) -> str:
    """The text that `escape_formula` returned this for; other texts stay as they are."""
    text = _ESCAPED_WITHIN.sub(r"\1", text)
    return text[1:] if text.startswith("'") and _is_risky(text) else text


def _is_risky(text: str) -> bool:
    return text.lstrip("'").startswith(tuple(FORMULA_STARTS))
