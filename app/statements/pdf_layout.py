"""Layout of A4 pages, filled from the top, with page numbers in the footer.

The typeface is Bitstream Vera, which comes with reportlab and is embedded. It has the letters of
western European languages; other Latin letters lose their accents, and other characters are
shown as a box, which the page footer explains.
"""

import itertools
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any, Final

from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

#: Binary instead of ASCII85 encoding, which is a quarter larger.
rl_config.useA85 = 0

PLAIN: Final = "Vera"
BOLD: Final = "VeraBd"
INK, PALE, LINE, BAND, BRAND = map(
    HexColor, ("#1b1f24", "#59636e", "#d0d7de", "#f0f4f6", "#0b5560")
)

WIDTH, HEIGHT = map(int, A4)
LEFT: Final = 48
RIGHT: Final = WIDTH - LEFT
TOP: Final = HEIGHT - 56
#: Lower limit of the content; only the footer is below.
BOTTOM: Final = 64
#: Font size and leading of small print, in points.
SMALL: Final = 7
LEADING: Final = 10
_MIN_SIZE: Final = 3

_MISSING_GLYPHS: Final = (
    "\u25a1 stands for a character that the typeface of this document lacks. "
    "The statement as CSV or JSON has it."
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. numeric: whether it is right-aligned and its text shrunk to fit."""

    heading: str
    x: int
    width: int
    numeric: bool = False


class PageWriter:
    """The pages of a document. y: position of the current line.

    foot: text in the footer of every page; begin_page: draws the header of every page but the
    first.
    """

    def __init__(
        self, file: IO[bytes], *, title: str, foot: str, begin_page: Callable[["PageWriter"], None]
    ) -> None:
        for name in (PLAIN, BOLD):
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
        self.canvas = Canvas(file, pagesize=A4, pageCompression=1, lang="en")
        self.canvas.setTitle(title)
        self.canvas.setAuthor("Payment Flow")
        self.y = TOP
        self._foot = foot
        self._begin_page = begin_page
        self._has_missing = False
        self._font: tuple[str, int, Color] | None = None

    def write(
        self,
        x: int,
        text: str,
        *,
        size: int = SMALL,
        font: str = PLAIN,
        color: Color = INK,
        right: bool = False,
    ) -> None:
        """Write on the current line, starting or (right) ending at x."""
        if not text:
            return
        self._set_font(font, size, color)
        draw = self.canvas.drawRightString if right else self.canvas.drawString
        draw(x, self.y, self.readable(text))

    def _set_font(self, font: str, size: int, color: Color) -> None:
        """Set font and color if they changed, because that is half of the work."""
        if self._font != (font, size, color):
            self._font = (font, size, color)
            self.canvas.setFont(font, size)
            self.canvas.setFillColor(color)

    def write_number(
        self,
        x: int,
        text: str,
        *,
        width: int,
        size: int = SMALL,
        font: str = PLAIN,
        right: bool = True,
    ) -> None:
        """Write a number, in a smaller font if it is too long, because it must not be truncated."""
        while size > _MIN_SIZE and pdfmetrics.stringWidth(text, font, size) > width:
            size -= 1
        self.write(x, text, size=size, font=font, right=right)

    def row(self, columns: Sequence[Column], texts: Sequence[str], *, font: str = PLAIN) -> None:
        """Write a row of a table, on a new page if it does not fit; long texts are wrapped.

        Then moves to the next line.
        """
        cells = [
            [text] if column.numeric else self.wrapped(text, column.width, font=font)
            for column, text in zip(columns, texts, strict=True)
        ]
        height = max(map(len, cells)) * LEADING
        if self.y - height < BOTTOM:
            self._start_page()
        top = self.y
        for column, lines in zip(columns, cells, strict=True):
            self.y = top
            if column.numeric:
                self.write_number(column.x + column.width, lines[0], width=column.width, font=font)
                continue
            for line in lines:
                self.write(column.x, line, font=font)
                self.y -= LEADING
        self.y = top - height - 4
        self.rule(self.y + LEADING, color=BAND)

    def wrapped(
        self, text: str, width: int, *, font: str = PLAIN, size: int = SMALL
    ) -> Sequence[str]:
        """The text in lines of at most `width` points, broken between words if possible."""
        text, lines = self.readable(text), []
        while pdfmetrics.stringWidth(text, font, size) > width:
            fitting = _fitting(text, width, font, size)
            end = max(text.rfind(" ", 0, fitting + 1), text.rfind("-", 0, fitting) + 1)
            end = end if end > 0 else fitting
            lines.append(text[:end].rstrip())
            text = text[end:].lstrip()
        return [*lines, text]

    def headings(self, columns: Iterable[Column]) -> None:
        """Write the header of a table."""
        self.band(self.y - 5, 16)
        for column in columns:
            x = column.x + column.width if column.numeric else column.x
            self.write(x, column.heading, font=BOLD, color=PALE, right=column.numeric)
        self.y -= 18

    def band(self, y: int, height: int) -> None:
        self._font = None
        self.canvas.setFillColor(BAND)
        self.canvas.rect(LEFT - 4, y, RIGHT - LEFT + 8, height, stroke=0, fill=1)

    def rule(self, y: int, *, color: Color = LINE) -> None:
        self.canvas.setStrokeColor(color)
        self.canvas.setLineWidth(1)
        self.canvas.line(LEFT - 4, y, RIGHT + 4, y)

    def _start_page(self) -> None:
        self._end_page()
        self.y = TOP
        self._begin_page(self)

    def finish(self) -> None:
        """Write the file, with the total number of pages."""
        pages = self.canvas.getPageNumber()
        self._end_page()
        self.canvas.beginForm("pages")
        self.y = 0
        self.write(0, str(pages), color=PALE)
        self.canvas.endForm()
        self.canvas.save()

    def _end_page(self) -> None:
        canvas = self.canvas
        self.rule(BOTTOM - 16)
        self.y = BOTTOM - 28
        page = f"Page {canvas.getPageNumber()} of "
        self.write(LEFT, page, color=PALE)
        self.write(RIGHT, self._foot, color=PALE, right=True)
        # The total is drawn as a form, which is filled in at the end.
        canvas.saveState()
        canvas.translate(LEFT + pdfmetrics.stringWidth(page, PLAIN, SMALL), self.y)
        canvas.doForm("pages")
        canvas.restoreState()
        if self._has_missing:
            self._has_missing = False
            self._set_font(PLAIN, SMALL - 1, PALE)
            canvas.drawString(LEFT, self.y - LEADING, _MISSING_GLYPHS)
        canvas.showPage()
        self._font = None

    def readable(self, text: str) -> str:
        """The text as the typeface can show it; the footer explains missing characters."""
        if text.isascii() and text.isprintable():
            return text
        shown = "".join(map(_shown, text))
        self._has_missing = self._has_missing or not _glyphs().issuperset(map(ord, shown))
        return shown


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(pdfmetrics.getFont(PLAIN).face.charWidths)


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    """The character, its letter without accents, or itself, which is shown as a box."""
    if character.isspace():
        return " "
    if ord(character) in _glyphs():
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Mn"):
        return ""
    decomposed = unicodedata.normalize("NFKD", character)
    bare = "".join(part for part in decomposed if not unicodedata.combining(part))
    return bare if bare and _glyphs().issuperset(map(ord, bare)) else character


@lru_cache(maxsize=4096)
def _advance(character: str, font: str, size: int) -> Any:
    return pdfmetrics.stringWidth(character, font, size)


def _fitting(text: str, width: int, font: str, size: int) -> int:
    """Number of characters of the text that fit, at least one."""
    ends = itertools.accumulate(_advance(character, font, size) for character in text)
    return max(sum(1 for _ in itertools.takewhile(lambda end: end <= width, ends)), 1)
