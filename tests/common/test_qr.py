"""QR codes, decoded as a phone would."""

from io import BytesIO

import pytest
from PIL import Image

from app.common import qr
from tests.qr_reader import read_png, read_svg

LINK = "http://localhost:3000/pay/Zq3mT0vKcH2nXw8yLr5sBg"


@pytest.mark.parametrize(
    "text", ["a", LINK, "https://" + "x" * 80, *(LINK[:n] for n in range(9, 50, 8))]
)
def test_a_decoded_image_has_the_encoded_text(text: str) -> None:
    assert read_png(qr.png(text, side=512)) == text
    assert read_svg(qr.svg(text, side=512).decode()) == text


@pytest.mark.parametrize("side", [128, 300, 512, 1000, 2048])
def test_an_image_has_the_largest_size_with_whole_modules(side: int) -> None:
    width, height = Image.open(BytesIO(qr.png(LINK, side=side))).size

    assert width == height
    assert side - 41 < width <= side
    assert qr.svg(LINK, side=side).startswith(f'<svg width="{side}" height="{side}" '.encode())
