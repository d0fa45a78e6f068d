"""Order numbers: how people name an order, such as `4821-0937-558` on the telephone.

The database draws them (`new_order_number`). A number gives access to nothing, and tells
neither how many orders there are nor what the next one is.
"""

import re
from typing import Final

from stdnum.iso7064 import mod_11_10

from app.common.text import typed_code

#: In examples of the OpenAPI document.
EXAMPLE_NUMBER: Final = "4821-0937-558"

_SEPARATORS: Final = str.maketrans({"-": None, " ": None})
_DIGITS: Final = re.compile(r"[0-9]{11}(?:[0-9]{2})?")
_GROUP_SIZE: Final = 4


def parse_number(typed: str) -> str:
    """The order number as it is stored, from what was typed or pasted.

    Ignores hyphens, spaces, invisible characters and the sign # in front. Raises ValueError with
    the reason: a wrong digit, or two that are swapped, are told by the check digit.
    """
    digits = typed_code(typed).translate(_SEPARATORS).removeprefix("#")
    if not _DIGITS.fullmatch(digits):
        raise ValueError(f"Not an order number: it has 11 or 13 digits, such as {EXAMPLE_NUMBER}.")
    if not mod_11_10.is_valid(digits):
        raise ValueError("Not an order number: a digit is wrong or two are swapped.")
    groups = range(0, len(digits), _GROUP_SIZE)
    return "-".join(digits[start : start + _GROUP_SIZE] for start in groups)
