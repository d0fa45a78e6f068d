"""Searches for parts of texts by an index of trigrams (decision 0018)."""

import re
import unicodedata
from typing import Any, Final

from sqlalchemy import ColumnElement, SQLColumnExpression, String, bindparam, func

#: Where texts without a trigram are looked for, because no index finds them: so many newest rows.
NEWEST: Final = 20_000
_TRIGRAM: Final = re.compile("[a-z0-9]{3}")


def has_trigram(text: str) -> bool:
    """Whether an index of trigrams finds the text."""
    return _TRIGRAM.search(unicodedata.normalize("NFKD", text).lower()) is not None


def contains(searched: SQLColumnExpression[Any], text: str) -> ColumnElement[bool]:
    """Whether `searched`, a text without accents and case, contains a text as it was typed.

    The text is a literal, because PostgreSQL then knows how common it is.
    """
    typed = bindparam(None, text, String, literal_execute=True)
    return searched.op("LIKE")(func.search_pattern(typed))
