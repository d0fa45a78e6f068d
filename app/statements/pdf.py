"""A statement as PDF. Runs as a separate process (see pdf_worker)."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, Final

from app.statements.pdf_layout import BOLD, BRAND, LEFT, PALE, RIGHT, TOP, Column, Paper

#: Date, type, description, reference, amount and balance of a posting, formatted.
Row = Sequence[str]

TRANSACTIONS: Final = (
    Column("Date (UTC)", 48, 76),
    Column("Type", 128, 58),
    Column("Description", 190, 128),
    Column("Reference", 322, 98),
    Column("Amount", 424, 58, figures=True),
    Column("Balance", 486, 61, figures=True),
)
TOTALS: Final = (
    Column("Type", 48, 180),
    Column("Count", 228, 70, figures=True),
    Column("In", 318, 110, figures=True),
    Column("Out", 447, 100, figures=True),
)


def draw(file: IO[bytes], head: dict[str, Any], rows: Iterable[Row]) -> None:
    """Draw a statement. head: its formatted head (pdf_worker.printed_head)."""
    paper = Paper(
        file,
        title=f"Account statement of wallet {head['number']}, {head['from']} to {head['to']}",
        foot=f"Payment Flow \u00b7 Wallet {head['number']} \u00b7 Issued {head['issued']}",
        begin_page=lambda paper: paper.headings(TRANSACTIONS),
    )
    _letterhead(paper)
    _particulars(paper, head)
    _figures(paper, head)
    _totals(paper, head)
    _transactions(paper, head, rows)
    paper.finish()


def _letterhead(paper: Paper) -> None:
    paper.y = TOP - 6
    paper.write(LEFT, "Payment Flow", size=20, font=BOLD, color=BRAND)
    paper.write(RIGHT, "Account statement", size=14, color=PALE, right=True)
    paper.rule(paper.y - 12, color=BRAND)
    paper.y -= 36


def _particulars(paper: Paper, head: dict[str, Any]) -> None:
    left = (
        ("Account holder", [line for line in (head["name"], head["contact"]) if line]),
        ("Wallet", [head["number"]]),
        ("Currency", [head["currency"]]),
    )
    right = (
        ("Period", [f"from {head['from']}", f"to {head['to']} (exclusive)"]),
        ("Times", ["Coordinated Universal Time (UTC)"]),
        ("Date of issue", [head["issued"]]),
    )
    top, ends = paper.y, []
    for x, entries in ((LEFT, left), (LEFT + 258, right)):
        paper.y = top
        for label, values in entries:
            paper.write(x, label, color=PALE)
            paper.y -= 12
            for value in values:
                for line in paper.wrapped(value, 236, size=9):
                    paper.write(x, line, size=9)
                    paper.y -= 12
            paper.y -= 6
        ends.append(paper.y)
    paper.y = min(ends) - 16


def _figures(paper: Paper, head: dict[str, Any]) -> None:
    """Opening balance, money in, money out and closing balance."""
    paper.band(paper.y - 26, 42)
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
        paper.write(x, label, color=PALE)
        paper.y -= 17
        paper.figure(x, head[key], width=step - 10, size=11, font=BOLD, right=False)
        paper.y += 17
    paper.y -= 54


def _totals(paper: Paper, head: dict[str, Any]) -> None:
    _title(paper, "Totals per type")
    paper.headings(TOTALS)
    for total in head["totals"]:
        paper.row(TOTALS, total)
    paper.row(TOTALS, ("All", head["count"], head["in"], head["out"]), font=BOLD)
    paper.y -= 18


def _transactions(paper: Paper, head: dict[str, Any], rows: Iterable[Row]) -> None:
    _title(paper, "Transactions")
    paper.headings(TRANSACTIONS)
    paper.row(TRANSACTIONS, ("", "", "Opening balance", "", "", head["opening"]), font=BOLD)
    if not head["totals"]:
        paper.row(TRANSACTIONS, ("", "", "No transactions", "", "", ""))
    for row in rows:
        paper.row(TRANSACTIONS, row)
    paper.row(TRANSACTIONS, ("", "", "Closing balance", "", "", head["closing"]), font=BOLD)


def _title(paper: Paper, text: str) -> None:
    paper.write(LEFT, text, size=10, font=BOLD, color=BRAND)
    paper.y -= 18


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
