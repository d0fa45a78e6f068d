"""A merchant code as a printable page.

Its texts are outlines instead of characters, so that it is printed as it was laid out, whatever
fonts the printer has.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from markupsafe import Markup

from app.auth.masking import public_name
from app.common import qr, typesetting
from app.common.locales import display_money
from app.payment_requests.merchant_codes.service import MerchantCodeDetails

#: Micrometres; the page is A6, with a frame around the texts.
_PAGE_WIDTH: Final = 105_000
_TEXT_WIDTH: Final = 89_000
#: Millimetres.
_QR_SIDE: Final = 76
_MAX_LINES: Final = 2
#: Of what is paid, in micrometres: the largest in which it has room.
_SIZES: Final = (4_200, 3_600, 3_000)


@dataclass(frozen=True, slots=True)
class Line:
    """A centred line. x: its left end; size: of the font; both in micrometres."""

    text: str
    x: int
    size: int
    outline: str


def template_context(
    found: MerchantCodeDetails, *, link: str, logo: bytes | None
) -> dict[str, Any]:
    """The variables of the page's template. logo: of the merchant, as WebP."""
    code = found.code
    product = found.product.name if found.product else None
    support = found.merchant.support_email
    # A product's price may change after the page was printed.
    price = display_money(code.amount, code.currency) if code.amount is not None else ""
    return {
        "logo": b64encode(logo).decode() if logo else None,
        "merchant": _lines(public_name(found.merchant), size=5_000 if logo else 6_000),
        "description": [
            # Below a product there is room instead of the price.
            *_fitted(product or "", max_lines=3),
            *_fitted(code.label or "", max_lines=1 if product else _MAX_LINES),
        ],
        "support": _lines(f"Questions: {support}" if support else "", size=2_400),
        "price": _lines(price, size=8_000),
        "call": _lines("Scan to pay with Payment Flow", size=3_400),
        "link": _lines(link.partition("://")[2], size=2_200),
        "qr_code": Markup(qr.svg(link, side=_QR_SIDE).decode()),  # noqa: S704 – drawn by us
        "qr_side": _QR_SIDE,
    }


def _fitted(text: str, *, max_lines: int) -> list[Line]:
    """The text in the largest size in which all of it has room."""
    for size in _SIZES:
        lines = _lines(text, size=size, max_lines=None)
        if len(lines) <= max_lines:
            return lines
    return _lines(text, size=_SIZES[-1], max_lines=max_lines)


def _lines(text: str, *, size: int, max_lines: int | None = _MAX_LINES) -> list[Line]:
    """The text in lines that fit the page. size: of the font, in micrometres."""
    measure = partial(_width, size=size)
    lines = typesetting.wrapped(
        typesetting.printable(text), _TEXT_WIDTH, measure, max_lines=max_lines
    )
    return [
        Line(
            line,
            (_PAGE_WIDTH - measure(line)) // 2,
            size,
            typesetting.outline(typesetting.layout(line)),
        )
        for line in lines
        if line
    ]


def _width(text: str, *, size: int) -> int:
    return typesetting.layout(text).width * size // 1000
