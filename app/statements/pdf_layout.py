"""Layout of A4 pages, filled from the top, with page numbers in the footer.

The typeface is Bitstream Vera, which comes with reportlab and has the letters of western European
languages. A text with any other letter is drawn with the fonts of app.common.typesetting, which
takes longer. All fonts are embedded. The page footer explains the boxes for missing characters.
"""

import re
from codecs import BOM_UTF16_BE
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import IO, Final
from unicodedata import normalize

from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import ShapeData, ShapedStr, TTFont
from reportlab.pdfgen.canvas import Canvas

from app.common import typesetting
from app.common.typesetting import Run, printable

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

_ARABIC_FORMS: Final = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]+")
_MISSING_GLYPHS: Final = (
    "\u25a1 stands for a character that the typefaces of this document lack. "
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
        text = printable(text)
        if not text:
            return
        if not _is_plain(text):
            self._write_shaped(x, text, size=size, color=color, right=right)
            return
        self._set_font(font, size, color)
        draw = self.canvas.drawRightString if right else self.canvas.drawString
        draw(x, self.y, text)

    def _write_shaped(self, x: int, text: str, *, size: int, color: Color, right: bool) -> None:
        """Write a text of any script."""
        layout = typesetting.layout(text)
        self._has_missing = self._has_missing or not layout.complete
        self._font = None
        self.canvas.setFillColor(color)
        place = x * 1000 - (layout.width * size if right else 0)
        for run in layout.runs:
            code = _text_code(self.canvas, run, size)
            self.canvas.addLiteral(f"q 1 0 0 1 {place / 1000} {self.y} cm {code} Q")
            place += run.width * size

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
        return typesetting.wrapped(
            printable(text), width * 1000, partial(_width, font=font, size=size)
        )

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
            self.y -= LEADING
            self.write(LEFT, _MISSING_GLYPHS, size=SMALL - 1, color=PALE)
        canvas.showPage()
        self._font = None


def _is_plain(text: str) -> bool:
    """Whether the typeface has all of it, so that nothing needs to be shaped."""
    return text.isascii() or _glyphs().issuperset(map(ord, text))


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(pdfmetrics.getFont(PLAIN).face.charWidths)


def _width(text: str, *, font: str, size: int) -> int:
    """The width of a text as it is drawn, in thousandths of a point."""
    if _is_plain(text):
        return int(pdfmetrics.stringWidth(text, font, size) * 1000)
    return typesetting.layout(text).width * size


@cache
def _registered(font: str) -> TTFont:
    registered = TTFont(font, typesetting.font_path(font))
    registered.hbFont()  # so that hbAddPrivate works
    pdfmetrics.registerFont(registered)
    return registered


@lru_cache(maxsize=4096)
def _text_code(canvas: Canvas, run: Run, size: int) -> str:
    """The instructions that draw a run.

    Where its glyphs do not tell its text to programs that read the document, it is told to them.
    """
    font = _registered(run.font)
    shown = _reportlab_string(font, run)
    text = canvas.beginText()
    text.setFont(font.fontName, size)
    text.textOut(shown)
    code = f"BT {text.getCode()} ET"
    if _is_readable(shown, run.text):
        return code
    content = (BOM_UTF16_BE + run.text.encode("utf-16-be")).hex()
    return f"/Span <</ActualText <{content}>>> BDC {code} EMC"


def _is_readable(shown: str, text: str) -> bool:
    """Whether programs read this text where these characters are drawn.

    They know the forms of Arabic letters. reportlab tells them only the first 65,536 characters.
    """
    if _ARABIC_FORMS.fullmatch(shown):
        return normalize("NFKC", shown) == text
    return shown == text and max(text) <= "\uffff"


def _reportlab_string(font: TTFont, run: Run) -> ShapedStr:
    """A run as reportlab draws it: each glyph needs a character, if need be a private one."""
    face = font.face
    codes, shapes = [], []
    for glyph in run.glyphs:
        known = face.glyphToChar.get(glyph.id)
        code = known[0] if known else font.hbAddPrivate(glyph.id, glyph.id, glyph.advance)
        codes.append(chr(code))
        shapes.append(ShapeData(0, glyph.advance, 0, glyph.dx, glyph.dy, face.charWidths[code]))
    return ShapedStr("".join(codes), shapes)
