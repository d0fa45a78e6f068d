"""What people type or paste: one form for equal texts, without what nobody can see.

`human_text` is for names, notes and descriptions, `typed_code` for numbers and codes.
"""

import re
import unicodedata
from typing import Final

#: Characters without a shape of their own: Default_Ignorable_Code_Point of Unicode
#: (https://www.unicode.org/reports/tr44/), and the empty Braille pattern.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: What pasting adds and changes nothing in a text. (Joiners and selectors do.)
_PASTED: Final = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff]")
#: What surrounds a pasted text. Within one, it reverses what can be seen.
_DIRECTIONS: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
#: What changes nothing in a text, but lets it look like another one that it is not equal to, and
#: hides it from a search. (Joiners, directional marks and selectors do change something; so do the
#: tags of a flag.)
_MEANINGLESS: Final = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000\U000e0001]"
    "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]+"
)
#: More marks on a letter than any language has cover the lines around it.
_MAX_MARKS: Final = 8
_MARK_CATEGORIES: Final = ("Mn", "Me")
_SPACES: Final = re.compile(r"\s+")
#: White space and characters that only join or separate others, so mean nothing at an end. (Others
#: of the above end an emoji or a word.)
_MARGIN: Final = (
    " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
    "\u00ad\u034f\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)
_LINE_END: Final = re.compile("\r\n?|[\x85\u2028\u2029]")
_NONCHARACTERS: Final = "".join(
    f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
#: Control characters, the bidirectional controls that change how other text is read
#: (https://www.unicode.org/reports/tr9/, table 3), lone surrogates and noncharacters.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    f"{_NONCHARACTERS}]"
)
_DASH_CATEGORY: Final = "Pd"
_MINUS: Final = "\u2212"
#: Normalizing takes quadratic time in the worst case, and no code is this long.
_MAX_CODE: Final = 200


def human_text(text: str, *, lines: bool = False) -> str:
    """The text in the form NFC, without white space around it and without characters that change
    nothing; empty if nothing can be seen.

    text: of limited length, because normalizing takes quadratic time in the worst case. lines:
    whether it may have tabs and several lines, which then end with a line feed. Otherwise white
    space is one space.
    Raises ValueError, whose text is for the user, for control characters, and for letters with more
    marks than any language has.
    """
    text = _LINE_END.sub("\n", unicodedata.normalize("NFC", text)).strip(_MARGIN)
    if not _INVISIBLE.sub("", text).strip():
        return ""
    if found := _FORBIDDEN.search(text):
        raise ValueError(f"Must not contain the control character U+{ord(found[0]):04X}.")
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MEANINGLESS.sub("", text))
        _require_few_marks(text)
    return text if lines else _SPACES.sub(" ", text)


def _require_few_marks(text: str) -> None:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARK_CATEGORIES else 0
        if marks > _MAX_MARKS:
            raise ValueError(f"Must not have more than {_MAX_MARKS} marks on a letter.")


def visible_text(text: str) -> str:
    """The text without what pasting adds: white space and directions around it, and characters of
    no meaning."""
    return _PASTED.sub("", text).strip(_MARGIN + _DIRECTIONS)


def typed_code(text: str) -> str:
    """A number or code as it would be typed on an English keyboard.

    Pasted text often has invisible characters, other spaces and dashes, or digits of another script
    or width. Empty if it is too long for a code.
    """
    text = _INVISIBLE.sub("", text).strip()
    if len(text) > _MAX_CODE:
        return ""
    return "".join(map(_typed, unicodedata.normalize("NFKC", text)))


def _typed(character: str) -> str:
    if unicodedata.category(character) == _DASH_CATEGORY or character == _MINUS:
        return "-"
    if character.isspace():
        return " "
    return str(unicodedata.decimal(character, character))
