"""Decodes QR codes in images (ISO/IEC 18004): versions 1 to 6, error correction M, byte mode.

Written from the standard, independently of the library that draws them. A damaged code is refused,
not corrected.
"""

import re
from collections.abc import Callable
from io import BytesIO

from PIL import Image

Modules = list[list[bool]]

QUIET_ZONE = 4
_FORMAT_MASK = 0b101010000010010
_LEVEL_M = 0b00
_BYTES = 0b0100

#: Version → number of blocks, and data codewords of each, at level M.
_BLOCKS = {1: (1, 16), 2: (1, 28), 3: (1, 44), 4: (2, 32), 5: (2, 43), 6: (4, 27)}

_MASKS: list[Callable[[int, int], bool]] = [
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
]


def read_png(picture: bytes) -> str:
    """The text of a QR code that is the whole content of a PNG."""
    image = Image.open(BytesIO(picture)).convert("L")
    width, height = image.size
    assert width == height, "It is not square."
    dark = [[image.getpixel((x, y)) < 128 for x in range(width)] for y in range(height)]  # type: ignore[operator]
    margin = next(y for y, row in enumerate(dark) if any(row))
    finder = dark[margin].index(False, margin) - margin
    assert finder % 7 == 0, "The finder pattern is not seven modules wide."
    module = finder // 7
    assert margin == QUIET_ZONE * module, "The quiet zone is not four modules wide."
    side = (width - 2 * margin) // module
    return read(
        [
            [
                dark[margin + r * module + module // 2][margin + c * module + module // 2]
                for c in range(side)
            ]
            for r in range(side)
        ]
    )


def read_svg(picture: str) -> str:
    """The text of a QR code that is drawn as horizontal strokes, one module high."""
    side = int(re.findall(r'viewBox="0 0 (\d+) \1"', picture)[0])
    assert f'fill="#fff" d="M0 0h{side}v{side}h-{side}z"' in picture, "The background is not white."
    (strokes,) = re.findall(r'stroke="#000"[^>]* d="([^"]+)"', picture)
    dark = [[False] * side for _ in range(side)]
    x = y = 0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", strokes):
        steps = [int(float(number) // 1) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "M":
            x, y = steps
        elif command == "m":
            x, y = x + steps[0], y + steps[1]
        else:
            dark[y][x : x + steps[0]] = [True] * steps[0]
            x += steps[0]
    inside = range(QUIET_ZONE, side - QUIET_ZONE)
    assert not any(dark[r][c] for r in range(side) for c in range(side) if not {r, c} <= {*inside})
    return read([[dark[r][c] for c in inside] for r in inside])


def read(modules: Modules) -> str:
    """The text of a code without its quiet zone."""
    side = len(modules)
    version, rest = divmod(side - 17, 4)
    assert rest == 0
    assert version in _BLOCKS
    level, mask = _format(modules)
    assert level == _LEVEL_M, "The error correction is not M."
    bits = [
        modules[row][column] ^ _MASKS[mask](row, column)
        for row, column in _path(side)
        if not _is_function(row, column, side)
    ]
    codewords = [_number(bits[at : at + 8]) for at in range(0, len(bits) // 8 * 8, 8)]
    blocks, length = _BLOCKS[version]
    data = [word for block in range(blocks) for word in codewords[block : blocks * length : blocks]]
    stream = [bool(word >> place & 1) for word in data for place in range(7, -1, -1)]
    assert _number(stream[:4]) == _BYTES
    count = _number(stream[4:12])
    text = [_number(stream[at : at + 8]) for at in range(12, 12 + 8 * count, 8)]
    return bytes(text).decode()


def _number(bits: list[bool]) -> int:
    value = 0
    for bit in bits:
        value = value * 2 + bit
    return value


def _format(modules: Modules) -> tuple[int, int]:
    """Error correction level and mask, around the finder at the upper left."""
    across = [(8, column) for column in (0, 1, 2, 3, 4, 5, 7, 8)]
    places = across + [(row, 8) for row in (7, 5, 4, 3, 2, 1, 0)]
    value = _number([modules[row][column] for row, column in places]) ^ _FORMAT_MASK
    return value >> 13, value >> 10 & 0b111


def _is_function(row: int, column: int, side: int) -> bool:
    """Whether the module belongs to a pattern or to the format, and not to the data."""
    far, alignment = side - 8, side - 7
    corner = (row < 9 and column < 9) or (row < 9 and column >= far) or (row >= far and column < 9)
    aligned = side > 21 and abs(row - alignment) <= 2 and abs(column - alignment) <= 2
    return corner or aligned or row == 6 or column == 6


def _path(side: int) -> list[tuple[int, int]]:
    """Every module in the order of the data: pairs of columns from the right, up and down."""
    rights = [column if column > 6 else column - 1 for column in range(side - 1, 0, -2)]
    path = []
    for turn, right in enumerate(rights):
        rows = range(side) if turn % 2 else range(side - 1, -1, -1)
        path += [(row, column) for row in rows for column in (right, right - 1)]
    return path
