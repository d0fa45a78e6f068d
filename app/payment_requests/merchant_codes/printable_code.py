"""A merchant code as a printable page."""

from textwrap import wrap
from typing import Any, Final

from markupsafe import Markup

from app.auth.masking import public_name
from app.common import qr
from app.common.money import Money
from app.payment_requests.merchant_codes.service import MerchantCodeDetails

#: Characters per line in the large, the small and the smallest font, and the maximum number of
#: lines of each.
_LARGE_LINE: Final = 25
_SMALL_LINE: Final = 38
_SUPPORT_LINE: Final = 60
_LINES: Final = 2
#: Millimetres; the page is A6.
_QR_SIDE: Final = 76


def template_context(found: MerchantCodeDetails, *, link: str) -> dict[str, Any]:
    """The variables of the page's template."""
    code = found.code
    product = found.product.name if found.product else None
    support = found.merchant.support_email
    return {
        "merchant": _lines(public_name(found.merchant), _LARGE_LINE),
        "description": _lines(" – ".join(filter(None, (product, code.label))), _SMALL_LINE),
        "support": _lines(f"Questions: {support}", _SUPPORT_LINE) if support else [],
        # A product's price may change after the page was printed.
        "price": Money(code.amount, code.currency).display if code.amount is not None else None,
        "qr_code": Markup(qr.svg(link, side=_QR_SIDE).decode()),  # noqa: S704 – drawn by us
        "qr_side": _QR_SIDE,
        "link": link.partition("://")[2],
    }


def _lines(text: str, width: int) -> list[str]:
    return wrap(text, width, max_lines=_LINES, placeholder=" …")
