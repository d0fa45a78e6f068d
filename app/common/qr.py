"""QR codes as images (ISO/IEC 18004), error correction M, with the quiet zone around them."""

from io import BytesIO
from typing import Final

import segno

#: White modules on every side, which scanners need to find the code.
QUIET_ZONE: Final = 4


def svg(text: str, *, side: int) -> bytes:
    """A square SVG. side: of the image, in pixels."""
    picture = BytesIO()
    _code(text).save(
        picture,
        kind="svg",
        border=QUIET_ZONE,
        light="white",  # also on a dark page
        xmldecl=False,
        omitsize=True,
        svgclass=None,
        lineclass=None,
    )
    return picture.getvalue().replace(b"<svg ", f'<svg width="{side}" height="{side}" '.encode(), 1)


def png(text: str, *, side: int) -> bytes:
    """A square PNG. side: in pixels; as modules are whole pixels, the image may be smaller."""
    code = _code(text)
    modules, _ = code.symbol_size(border=QUIET_ZONE)
    picture = BytesIO()
    code.save(picture, kind="png", border=QUIET_ZONE, scale=max(side // modules, 1))
    return picture.getvalue()


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", micro=False, boost_error=False)
