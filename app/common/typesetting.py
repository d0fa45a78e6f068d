"""Text of any script: broken into lines of a measured width, and as the glyphs that draw it.

The order of the characters is that of the Unicode Bidirectional Algorithm (UAX #9), their glyphs
are shaped by HarfBuzz, and the fonts come with the product (typefaces/README.md), so that what is
drawn does not depend on the machine. Lengths are in thousandths of the font size.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import uharfbuzz
from bidi import get_base_level, get_display

TYPEFACES: Final = Path(__file__).with_name("typefaces")
#: Stands for a character that no font has. The first font has it.
SUBSTITUTE: Final = "\u25a1"
ELLIPSIS: Final = "\u2026"

#: A character is drawn with the first font that has it: the named ones, because others have some of
#: their punctuation, then all others.
_FIRST_FONTS: Final = ("DejaVuSans", "Korean", "NotoSansArabic", "NotoSansDevanagari")
_FONTS: Final = tuple(
    dict.fromkeys([*_FIRST_FONTS, *sorted(path.stem for path in TYPEFACES.glob("*.ttf"))])
)
_LEFT_TO_RIGHT_MARK: Final = "\u200e"
_RIGHT_TO_LEFT_MARK: Final = "\u200f"
_JOINERS: Final = "\u200d\u034f"
_FLAG_LETTERS: Final = "".join(map(chr, range(0x1F1E6, 0x1F200)))
#: The digits of the number of a letter: marks without a meaning of their own.
_HIGH: Final = "".join(map(chr, range(0xE0100, 0xE0178)))
_LOW: Final = "".join(map(chr, range(0xE0178, 0xE01F0)))
_A_MARK: Final = "\u0300"
#: Blocks without characters that run from right to left.
_LTR_ONLY: Final = re.compile(
    "[\0-\u058f\u0900-\u200e\u2010-\ufb1c\ufe00-\ufe6f\uff00-\uffef\U0001f000-\U0003ffff]*"
)
#: Canonical combining class of the signs that join two consonants of Indic scripts.
_VIRAMA: Final = 9
#: Vowels of Thai and Lao that are written before their consonant, and those that end a syllable.
_LEADING_VOWELS: Final = "เแโใไເແໂໃໄ"
_TRAILING_VOWELS: Final = "ะาำๅะາຳ"


@dataclass(frozen=True, slots=True)
class Glyph:
    """A glyph of a font: its advance, and the offset of its origin, right and up."""

    id: int
    advance: int
    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class Run:
    """Glyphs of one font, from left to right, and the text that they show."""

    font: str
    text: str
    glyphs: tuple[Glyph, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A line as it is drawn, from left to right.

    complete: whether all of its characters are shown; otherwise boxes stand for some.
    """

    runs: tuple[Run, ...]
    width: int
    complete: bool


def font_path(font: str) -> Path:
    """The TrueType file of a font."""
    return TYPEFACES / f"{font}.ttf"


def printable(text: str) -> str:
    """The text with spaces for white space and without control characters."""
    if text.isprintable():
        return text
    return "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cs")
    )


def wrapped(
    text: str, width: float, measure: Callable[[str], float], *, max_lines: int | None = None
) -> Sequence[str]:
    """The text in lines of at most this width, broken between words if possible, not in a letter.

    What exceeds `max_lines` is replaced by an ellipsis. Lines keep the direction of the text.
    """
    if measure(text) <= width:
        return [text]
    lines = [""]
    free = width
    for word in _words(text):
        if lines[-1] and measure(word.rstrip()) > free:
            lines.append("")
            free = width
        while measure(word.rstrip()) > free:
            end = _fitting(word, free, measure)
            lines[-1:] = [word[:end], ""]
            word = word[end:]
        lines[-1] += word
        free -= measure(word)
    lines = [line.strip() for line in lines if line.strip()] or [""]
    if max_lines is not None and len(lines) > max_lines:
        last = " ".join(lines[max_lines - 1 : max_lines + 1])
        end = _fitting(last, width - measure(f" {ELLIPSIS}"), measure)
        lines[max_lines - 1 :] = [f"{last[: _word_end(last, end)].rstrip()} {ELLIPSIS}"]
    if not _has_rtl(text):
        return lines
    direction = get_base_level(text)
    mark = _RIGHT_TO_LEFT_MARK if direction else _LEFT_TO_RIGHT_MARK
    return [line if get_base_level(line) == direction else f"{mark}{line}" for line in lines]


def _words(text: str) -> Iterator[str]:
    """The parts of a text between which lines may be broken, with the spaces after them."""
    start = 0
    for end in _letter_ends(text):
        if end == len(text) or _may_break(text, end):
            yield text[start:end]
            start = end


def _word_end(text: str, end: int) -> int:
    """The last place up to `end` where a word ends; `end` if the first word is longer."""
    if end == len(text) or text[end] == " " or _may_break(text, end):
        return end
    return next((place for place in range(end - 1, 0, -1) if _may_break(text, place)), end)


def _fitting(text: str, width: float, measure: Callable[[str], float]) -> int:
    """Number of characters that fit, in whole letters if one fits, and at least one."""
    for ends in (_letter_ends(text), range(1, len(text) + 1)):
        fitting = bisect_right(ends, width, key=lambda end: measure(text[:end]))
        if fitting:
            return ends[fitting - 1]
    return 1


def _may_break(text: str, end: int) -> bool:
    """Whether a line may end there (a small part of UAX #14)."""
    before, after = text[end - 1], text[end]
    if before in " -":
        return after != " "
    if after == " ":
        return False  # but after it
    return (
        (_is_ideographic(before) or _is_ideographic(after))
        and unicodedata.category(before) not in ("Ps", "Pi")
        and unicodedata.category(after) not in ("Pe", "Pf", "Po", "Lm")
    )


def _is_ideographic(character: str) -> bool:
    """Whether it is written without spaces between words, as in Chinese and Japanese."""
    return (
        unicodedata.east_asian_width(character) in "WF"
        and not "\uac00" <= character <= "\ud7a3"  # Korean has spaces
    )


def _letter_ends(text: str) -> Sequence[int]:
    """Where letters end, with the marks on them and what they are joined with."""
    if text.isascii():
        return range(1, len(text) + 1)
    ends = [end for end in range(1, len(text)) if not _joins(text, end)]
    return [*ends, len(text)] if text else []


def _joins(text: str, place: int) -> bool:
    """Whether the characters before and after this place belong together (after UAX #29)."""
    before, after = text[place - 1], text[place]
    if after.isascii():
        return False
    if unicodedata.category(after)[0] == "M" or after in _TRAILING_VOWELS or _is_selector(after):
        return True
    if after in _FLAG_LETTERS:
        letters = len(text[:place]) - len(text[:place].rstrip(_FLAG_LETTERS))
        return letters % 2 == 1
    return (
        before in _JOINERS
        or before in _LEADING_VOWELS
        or (unicodedata.combining(before) == _VIRAMA and after.isalpha())
    )


def _is_selector(character: str) -> bool:
    """Whether it only modifies what is before it: joiners, skin of an emoji, region of a flag."""
    return (
        character in "\u200c\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


@lru_cache(maxsize=2048)
def layout(line: str) -> Layout:
    """How a printable line of up to 14,000 letters is drawn; the first sets the direction."""
    runs: list[Run] = []
    complete = True
    for is_rtl, letters in _directions(line):
        pieces = [piece for letter in letters for piece in _drawable(letter)]
        complete = complete and all(font for font, _ in pieces)
        parts = [
            _shaped(font or _FONTS[0], "".join(text for _, text in part), is_rtl)
            for font, part in groupby(pieces, itemgetter(0))
        ]
        runs.extend(chain.from_iterable(reversed(parts) if is_rtl else parts))
    return Layout(tuple(runs), sum(run.width for run in runs), complete)


def outline(layout: Layout) -> str:
    """The line as a path of SVG, from the origin to the right."""
    path: list[str] = []
    x = 0
    for run in layout.runs:
        for glyph in run.glyphs:
            _font(run.font).draw_glyph(glyph.id, _pen(), (path, x + glyph.dx, glyph.dy))
            x += glyph.advance
    return "".join(path)


@cache
def _pen() -> uharfbuzz.DrawFuncs:
    """Writes each part of an outline as a command of SVG, whose y axis points down."""

    def command(name: str) -> Callable[..., None]:
        def write(*arguments: Any) -> None:
            *numbers, (path, x, y) = arguments
            points = zip(numbers[::2], numbers[1::2], strict=True)
            path.append(name + " ".join(f"{x + px:.0f} {-y - py:.0f}" for px, py in points))

        return write

    pen = uharfbuzz.DrawFuncs()
    pen.set_move_to_func(command("M"))
    pen.set_line_to_func(command("L"))
    pen.set_quadratic_to_func(command("Q"))
    pen.set_cubic_to_func(command("C"))
    pen.set_close_path_func(command("Z"))
    return pen


def _pairs(ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip([0, *ends[:-1]], ends, strict=True) if ends else iter(())


def _directions(line: str) -> Iterator[tuple[bool, Sequence[str]]]:
    """The letters of a line from left to right: whether the order of some is reversed, and which.

    The library tells only the order of the characters. So each letter gets its number, as two marks
    (NSM), which take the direction of the letter, and precede it where the order is reversed.
    """
    letters = [line[start:end] for start, end in _pairs(_letter_ends(line))]
    if not _has_rtl(line):
        yield False, letters
        return
    ordered = iter(get_display("".join(map(_numbered, letters, range(len(letters))))))
    decoded: list[tuple[bool, str]] = []
    for character in ordered:
        if character in _LOW:
            number = _number(next(ordered), character)
            next(ordered)
            decoded.append((True, letters[number]))
        elif character in _HIGH:
            decoded[-1] = (False, letters[_number(character, next(ordered))])
        else:
            decoded.append((False, character))
    for is_rtl, group in groupby(decoded, itemgetter(0)):
        text = [letter for _, letter in group]
        yield is_rtl, text[::-1] if is_rtl else text


def _has_rtl(text: str) -> bool:
    """Whether any of it may run from right to left."""
    return not _LTR_ONLY.fullmatch(text)


def _numbered(letter: str, number: int) -> str:
    """A letter with its number. Separators of digits have none, because two would not be one."""
    if len(letter) == 1 and unicodedata.bidirectional(letter) in ("ES", "CS", "BN"):
        return letter
    high, low = divmod(number, len(_LOW))
    base = _A_MARK if letter[0] in _HIGH or letter[0] in _LOW else letter[0]
    return f"{base}{_HIGH[high]}{_LOW[low]}"


def _number(high: str, low: str) -> int:
    return _HIGH.index(high) * len(_LOW) + _LOW.index(low)


@lru_cache(maxsize=4096)
def _drawable(letter: str) -> Sequence[tuple[str | None, str]]:
    """What is drawn for a letter: fonts and texts. Without a font it is the substitute."""
    if font := next((font for font in _FONTS if _has(font, letter)), None):
        return [(font, letter)]
    if len(letter) > 1:
        return [piece for character in letter for piece in _drawable(character)]
    plain = unicodedata.normalize("NFKD", letter)
    return _drawable(plain) if plain != letter else [(None, SUBSTITUTE)]


def _has(font: str, letter: str) -> bool:
    return all(
        _font(font).get_nominal_glyph(ord(character)) is not None
        for character in letter
        if not _is_invisible(character)
    )


def _is_invisible(character: str) -> bool:
    """Whether HarfBuzz draws nothing for it if the font lacks it."""
    return (
        unicodedata.category(character) == "Cf"
        or character in _JOINERS
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


@lru_cache(maxsize=4096)
def _shaped(font: str, text: str, is_rtl: bool) -> Sequence[Run]:
    """A text as glyphs: a run, or one for each letter if programs that read it will reverse it."""
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if is_rtl else "ltr"
    uharfbuzz.shape(_font(font), buffer)
    placed = [
        (info.cluster, Glyph(info.codepoint, place.x_advance, place.x_offset, place.y_offset))
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    ]
    if not is_rtl:
        return [_run(font, text, placed)]
    ends = dict(pairwise([*sorted({start for start, _ in placed}), len(text)]))
    return [
        _run(font, text[start : ends[start]], letter)
        for start, letter in groupby(placed, itemgetter(0))
    ]


def _run(font: str, text: str, placed: Iterable[tuple[int, Glyph]]) -> Run:
    glyphs = tuple(glyph for _, glyph in placed)
    return Run(font, text, glyphs, sum(glyph.advance for glyph in glyphs))


@cache
def _font(name: str) -> uharfbuzz.Font:
    font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(font_path(name))))
    font.scale = (1000, 1000)
    return font
