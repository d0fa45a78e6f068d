"""A statement as PDF. Runs as a separate process (see pdf_worker)."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, Final

from app.statements.pdf_layout import BOLD, BRAND, LEFT, PALE, RIGHT, TOP, Column, PageWriter

#: Date, type, description, reference, amount and balance of a posting, formatted.
Row = Sequence[str]

TRANSACTIONS: Final = (
    Column("Date", 48, 76),
    Column("Type", 128, 58),
    Column("Description", 190, 128),
    Column("Reference", 322, 98),
    Column("Amount", 424, 58, numeric=True),
    Column("Balance", 486, 61, numeric=True),
)
TOTALS: Final = (
    Column("Type", 48, 180),
    Column("Count", 228, 70, numeric=True),
    Column("In", 318, 110, numeric=True),
    Column("Out", 447, 100, numeric=True),
)


def draw(file: IO[bytes], head: dict[str, Any], rows: Iterable[Row]) -> None:
    """Draw a statement. head: its formatted head (pdf_worker.format_head)."""
    pages = PageWriter(
        file,
        title=f"Account statement of wallet {head['number']}, {head['from']} to {head['to']}",
        foot=f"Payment Flow \u00b7 Wallet {head['number']} \u00b7 Issued {head['issued']}",
        begin_page=lambda pages: pages.headings(TRANSACTIONS),
    )
    _letterhead(pages)
    _particulars(pages, head)
    _summary(pages, head)
    _totals(pages, head)
    _transactions(pages, head, rows)
    pages.finish()


def _letterhead(pages: PageWriter) -> None:
    pages.y = TOP - 6
    pages.write(LEFT, "Payment Flow", size=20, font=BOLD, color=BRAND)
    pages.write(RIGHT, "Account statement", size=14, color=PALE, right=True)
    pages.rule(pages.y - 12, color=BRAND)
    pages.y -= 36


def _particulars(pages: PageWriter, head: dict[str, Any]) -> None:
    left = (
        ("Account holder", list(filter(None, (head["shop"], head["name"], head["contact"])))),
        ("Wallet", [head["number"]]),
        ("Currency", [head["currency"]]),
    )
    right = (
        ("Period", [f"from {head['from']}", f"to {head['to']} (exclusive)"]),
        ("Times", [head["zone"]]),
        ("Date of issue", [head["issued"]]),
    )
    top, ends = pages.y, []
    for x, entries in ((LEFT, left), (LEFT + 258, right)):
        pages.y = top
        for label, values in entries:
            pages.write(x, label, color=PALE)
            pages.y -= 12
            for value in values:
                for line in pages.wrapped(value, 236, size=9):
                    pages.write(x, line, size=9)
                    pages.y -= 12
            pages.y -= 6
        ends.append(pages.y)
    pages.y = min(ends) - 16


def _summary(pages: PageWriter, head: dict[str, Any]) -> None:
    """Opening balance, money in, money out and closing balance."""
    pages.band(pages.y - 26, 42)
    step = (RIGHT - LEFT) // 4
    for place, (label, key) in enumerate(
        (
            ("Opening balance", "opening"),
            ("Money in", "in"),
            ("Money out", "out"),
            ("Closing balance", "closing"),
        )
    ):
        x = LEFT + 6 + place * step
        pages.write(x, label, color=PALE)
        pages.y -= 17
        pages.write_number(x, head[key], width=step - 10, size=11, font=BOLD, right=False)
        pages.y += 17
    pages.y -= 54


def _totals(pages: PageWriter, head: dict[str, Any]) -> None:
    _title(pages, "Totals per type")
    pages.headings(TOTALS)
    for total in head["totals"]:
        pages.row(TOTALS, total)
    pages.row(TOTALS, ("All", head["count"], head["in"], head["out"]), font=BOLD)
    pages.y -= 18


def _transactions(pages: PageWriter, head: dict[str, Any], rows: Iterable[Row]) -> None:
    _title(pages, "Transactions")
    pages.headings(TRANSACTIONS)
    pages.row(TRANSACTIONS, ("", "", "Opening balance", "", "", head["opening"]), font=BOLD)
    if not head["totals"]:
        pages.row(TRANSACTIONS, ("", "", "No transactions", "", "", ""))
    for row in rows:
        pages.row(TRANSACTIONS, row)
    pages.row(TRANSACTIONS, ("", "", "Closing balance", "", "", head["closing"]), font=BOLD)


def _title(pages: PageWriter, text: str) -> None:
    pages.write(LEFT, text, size=10, font=BOLD, color=BRAND)
    pages.y -= 18


def main() -> int:
    """Read a head, chunks of rows and `null`, each as a line of JSON; write the PDF.

    If the parent process ends before the last line, nothing is written.
    """
    os.nice(10)  # web requests have priority
    lines = map(json.loads, sys.stdin.buffer)
    try:
        head = next(lines, None)
        if head is None:
            raise InputTruncated
        draw(sys.stdout.buffer, head, _rows_of(lines))
    except InputTruncated:
        return 1
    return 0


class InputTruncated(Exception):
    """The input ended before its last line."""


def _rows_of(lines: Iterator[Any]) -> Iterator[Row]:
    for chunk in lines:
        if chunk is None:
            return
        yield from chunk
    raise InputTruncated


if __name__ == "__main__":
    sys.exit(main())
