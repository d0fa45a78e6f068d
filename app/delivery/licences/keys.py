"""Licence keys: random, and such that people can read them out and type them.

24 random characters of Crockford's alphabet (https://www.crockford.com/base32.html) and a check
character by ISO 7064, in groups of 5: `7Z3QK-M0T8V-…`. No I, L, O and U, so that nothing is taken
for 1 or 0. Any single wrong character is noticed, and of two neighbours that are swapped 99.8 %.
"""

import secrets
from typing import Final

from stdnum.iso7064 import mod_37_36

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS: Final = 120
_BITS: Final = 5  # of a character
_RANDOM_CHARACTERS: Final = _RANDOM_BITS // _BITS
_GROUP: Final = 5
_GAP: Final = "••••"
_SHOWN: Final = 4

#: What people read or type, and what is between the groups.
_MEANT: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_key() -> str:
    """A key that nobody has, as it is handed out."""
    number = secrets.randbits(_RANDOM_BITS)
    text = "".join(_ALPHABET[number >> at & 31] for at in range(0, _RANDOM_BITS, _BITS))
    # The hybrid system of any even alphabet: for our 32 characters it is MOD 33,32.
    return _grouped(text + mod_37_36.calc_check_digit(text, _ALPHABET))


def read_key(typed: str) -> str | None:
    """The key that was meant, as `new_key` writes it; None if it cannot be one.

    Case, dashes and spaces do not matter, nor O for 0 and I or L for 1.
    """
    text = typed.upper().translate(_MEANT)
    if len(text) != _RANDOM_CHARACTERS + 1 or not mod_37_36.is_valid(text, _ALPHABET):
        return None
    return _grouped(text)


def mask(key: str) -> str:
    """Its last four characters, for lists."""
    return _GAP + key[-_SHOWN:]


def _grouped(text: str) -> str:
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
