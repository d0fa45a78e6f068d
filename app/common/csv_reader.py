"""Reads CSV as spreadsheets, shops and banks write it, one row in memory at a time."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

#: Maximum characters per line and per row, so that an unclosed quote does not exhaust memory.
MAX_ROW: Final = 64 * 1024

#: What separates cells. The first is taken if the first line has none of them.
SEPARATORS: Final = ",;\t"
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: The first line of a file by which a spreadsheet is told the separator.
#: Spreadsheets fill it up with empty cells.
_STATED_SEPARATOR: Final = re.compile(r'"?sep=([^\w"\r\n])"?\1*', re.I)
#: How files begin that are not text, and what they are.
_OTHER_FORMATS: Final = (
    (b"PK\x03\x04", "a workbook or an archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
)
_HEAD: Final = 4
_QUOTED: Final = re.compile(r'"[^"]*("|$)')
_IGNORED_IN_NAMES: Final = re.compile(r"[\W_]+")

#: What the messages of Python's parser mean.
_CSV_PROBLEMS: Final = (
    ("unexpected end of data", "A quoted cell has no closing quote."),
    ("expected after", "There is text after a closing quote; a quote in a cell is written twice."),
)


class CsvInvalid(Exception):
    """The document is not CSV, or not text. line: its line number, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class Row(NamedTuple):
    """line: the number of the line where the row starts, from 1. cells: at least one. written: the
    number of cells in the file, the empty ones at the end included."""

    line: int
    cells: list[str]
    written: int


def read(chunks: Iterable[bytes], *, separator: str = "") -> Iterator[Row]:
    """Each row that is not blank, without the empty cells at its end.

    chunks: the document, split anywhere. It is UTF-8, or UTF-16 with a byte order mark or two
    ASCII characters at its beginning. Its lines
    end with LF, CR or CRLF, and arrive as LF in cells. Cells are separated by the comma, semicolon
    or tab that is the most frequent in the first line, or that a first line such as `sep=;` states,
    or that is given. Raises CsvInvalid.
    """
    lines, skipped, first = text_lines(chunks), 0, ""
    for first in lines:
        stated = _STATED_SEPARATOR.fullmatch(first.strip("\n")) if skipped == 0 else None
        if stated is not None:
            separator = stated[1]
        elif first.strip():
            break
        skipped += 1
    else:
        return
    if not separator:
        outside_quotes = _QUOTED.sub("", first)
        separator = max(SEPARATORS, key=outside_quotes.count)
    for line, cells in _parse(chain((first,), lines), separator):
        written = len(cells)
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield Row(skipped + line, cells, written)


def _parse(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    begins, fed = 1, 0

    def feed() -> Iterator[str]:
        nonlocal fed
        for text in lines:
            fed += len(text)
            if fed > MAX_ROW:
                raise CsvInvalid(begins, f"The row is longer than {MAX_ROW:,} characters.")
            yield text

    reader = csv.reader(feed(), delimiter=separator, strict=True)
    while True:
        begins, fed = reader.line_num + 1, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CsvInvalid(begins, _in_plain_words(str(error))) from error
        yield begins, cells


def _in_plain_words(problem: str) -> str:
    return next((text for part, text in _CSV_PROBLEMS if part in problem), "The row is not CSV.")


def fold_name(name: str) -> str:
    """The name of a column without what people spell differently: `Available_Units` is
    `availableunits`."""
    return _IGNORED_IN_NAMES.sub("", name).casefold()


def text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Each line of a text with a line feed at its end, as `read` describes it.

    Raises CsvInvalid.
    """
    number, rest = 1, ""
    for text in _decoded(chunks):
        *complete, rest = (rest + text).split("\n")
        for line in complete:
            yield _checked(line + "\n", number)
            number += 1
        _checked(rest, number)
    if rest:
        yield rest


def _checked(line: str, number: int) -> str:
    if len(line) > MAX_ROW:
        raise CsvInvalid(number, f"The line is longer than {MAX_ROW:,} characters.")
    if "\0" in line:
        raise CsvInvalid(number, "NUL is not allowed: save the file as text in UTF-8.")
    return line


def _encoding(head: bytes) -> str:
    """The encoding of a text that begins with `head`. Raises CsvInvalid if it is no text."""
    for begin, what in _OTHER_FORMATS:
        if head.startswith(begin):
            raise CsvInvalid(1, f"This is {what}: save the table as CSV in UTF-8.")
    if head.startswith(_UTF_16_MARKS):
        return "utf-16"
    zeros = [byte == 0 for byte in head[:_HEAD]]  # text in UTF-8 has none
    if zeros == [False, True] * 2:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False] * 2 else "utf-8-sig"


def _decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text in parts, with LF as the end of each line."""
    head, rest = b"", iter(chunks)
    while len(head) < _HEAD and (chunk := next(rest, None)) is not None:
        head += chunk
    encoding = _encoding(head)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    lines = 1
    for chunk, is_last in chain(((part, False) for part in chain((head,), rest)), ((b"", True),)):
        text, problem_after = "", None
        try:
            text = decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            problem_after = error.object[: error.start].decode(encoding, "ignore")
        if problem_after is not None:
            # Not from within the handler: the error contains the text, which may be secret.
            wrong = lines + len(re.findall("\r\n?|\n", problem_after))
            raise CsvInvalid(wrong, "Not UTF-8: save the file as CSV in UTF-8.")
        lines += text.count("\n")
        yield text
