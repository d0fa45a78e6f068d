"""Licence keys: random, and easy to read out and type.

24 random characters in Crockford's base32 (https://www.crockford.com/base32.html) and a check
character (ISO 7064) in groups of 5: `7Z3QK-M0T8V-…`. Without I, L, O and U, so that none is
mistaken for 1 or 0. Detects every single wrong character, and 99.8 % of swapped neighbours.
"""

import secrets
from typing import Final

from stdnum.iso7064 import mod_37_36

from app.common.text import typed_code

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS: Final = 120
_BITS_PER_CHARACTER: Final = 5
_RANDOM_CHARACTERS: Final = _RANDOM_BITS // _BITS_PER_CHARACTER
_GROUP_SIZE: Final = 5
_MASK: Final = "••••"
_VISIBLE: Final = 4

#: Characters that are easily confused, and separators.
_NORMALIZED: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_key() -> str:
    """A new random key, formatted."""
    number = secrets.randbits(_RANDOM_BITS)
    text = "".join(
        _ALPHABET[number >> shift & 31] for shift in range(0, _RANDOM_BITS, _BITS_PER_CHARACTER)
    )
    # The hybrid system for any even alphabet: with 32 characters it is MOD 33,32.
    return _grouped(text + mod_37_36.calc_check_digit(text, _ALPHABET))


def parse_key(text: str) -> str | None:
    """The key in the format of `new_key`, or None if it is not valid.

    Ignores case, dashes and spaces, and accepts O for 0 and I or L for 1.
    """
    text = typed_code(text).upper().translate(_NORMALIZED)
    if len(text) != _RANDOM_CHARACTERS + 1 or not mod_37_36.is_valid(text, _ALPHABET):
        return None
    return _grouped(text)


def mask(key: str) -> str:
    """The key with only its last four characters visible."""
    return _MASK + key[-_VISIBLE:]


def _grouped(text: str) -> str:
    return "-".join(text[start : start + _GROUP_SIZE] for start in range(0, len(text), _GROUP_SIZE))
