"""Parsing a bank statement: CSV with columns identified by name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.common.csv_reader import SEPARATORS, CsvInvalid, Row, read
from app.common.errors import AppError
from app.common.money import EXPONENTS, Money
from app.reconciliation import layout
from app.reconciliation.errors import StatementInvalid
from app.reconciliation.layout import Layout

#: Parsing stops after this many problems, because every line of a wrong file is invalid.
_MAX_PROBLEMS: Final = 20
_CHUNK: Final = 64 * 1024

#: Day first, as banks write it outside the USA.
_DATES: Final = (
    (re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII), "%Y-%m-%d"),
    (re.compile(r"\d{2}/\d{2}/\d{4}", re.ASCII), "%d/%m/%Y"),
    (re.compile(r"\d{2}/\d{2}/\d{2}", re.ASCII), "%d/%m/%y"),
    (re.compile(r"\d{2}-\d{2}-\d{4}", re.ASCII), "%d-%m-%Y"),
    (re.compile(r"\d{2}-\d{2}-\d{2}", re.ASCII), "%d-%m-%y"),
)
#: Only the start of a cell is searched: that takes cubic time.
_DATE_LIKE: Final = re.compile(r"[0-9]{1,4}[^0-9,]+\w+[^0-9,]+[0-9]{1,4}|[0-9]{8}")
_MAX_DATE: Final = 40
#: With or without separators of thousands: 12,345.67 and, in India, 1,23,456.78.
_AMOUNT: Final = re.compile(
    r"(?:\d{1,19}|\d{1,3}(?:,\d{2,3}){0,6},\d{3})(?:\.(\d{1,3}))?", re.ASCII
)
_NOT_ZERO: Final = re.compile(r"[1-9]")
#: What banks write into the column of the other direction.
_NOTHING: Final = re.compile(r"[-*]*|0*(\.0*)?", re.ASCII)
_REFERENCE: Final = re.compile(r"[!-~]{1,255}")
_BANK_REFERENCE: Final = re.compile(r"[ -~]{0,255}")
_DIGIT: Final = re.compile(r"[0-9]")
#: What follows the transactions.
_END: Final = re.compile(r"\b(total|summary|closing balance|end of statement)\b", re.I)


class Direction(StrEnum):
    """From our point of view: CREDIT is a payment received, DEBIT a payout."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


_DIRECTIONS: Final = {
    **dict.fromkeys(("CREDIT", "CR"), Direction.CREDIT),
    **dict.fromkeys(("DEBIT", "DR"), Direction.DEBIT),
}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A booked transaction. number: of the line in the file.

    reference: ours, empty if the statement has no column for it. bank_reference: empty if the bank
    gave none. text: what the bank wrote about the transaction.
    """

    number: int
    date: date
    direction: Direction
    reference: str
    bank_reference: str
    money: Money
    text: str = ""


class _InvalidLine(Exception):
    pass


def parse(
    raw: bytes, *, currency: str, columns: Sequence[tuple[str, str]] = ()
) -> list[StatementLine]:
    """The lines of a statement in order.

    raw: CSV with our columns, those of net banking (see `layout`), or `columns`: meanings and
    names. Of a bank's own format, rows before the header, and rows without a date that are totals
    or have no amount, are skipped. currency: of a statement without a column for it.
    Raises StatementInvalid.
    """
    rows, found = _find_table(raw, columns)
    lines: list[StatementLine] = []
    problems: dict[str, list[str]] = {}
    has_ended = False
    for row in rows:
        cells = found.cells(row)
        try:
            if not found.is_ours and _date_format(cells["date"]) is None:
                if _END.search(" ".join(row.cells)) and not _DIGIT.search(cells["date"]):
                    has_ended = True
                if has_ended or not _may_be_transaction(cells):
                    continue
            if len(row.cells) > found.width:
                raise _InvalidLine(
                    f"the row has {len(row.cells)} cells, but the header has {found.width}"
                )
            lines.append(_parse_line(row.line, {"currency": currency} | cells))
        except _InvalidLine as problem:
            problems[f"line {row.line}"] = [str(problem)]
            if len(problems) == _MAX_PROBLEMS:
                break
    if problems:
        raise StatementInvalid(problems)
    return lines


def _find_table(raw: bytes, columns: Sequence[tuple[str, str]]) -> tuple[Iterator[Row], Layout]:
    """The rows after the header, and what their columns mean."""
    problems = []
    # The first line need not be the header, and then says nothing about the separator.
    for separator in ("", *SEPARATORS):
        rows = _rows(raw, separator=separator)
        try:
            return rows, layout.find(rows, columns)
        except StatementInvalid as error:
            problems.append(error)
    raise problems[0]


def _rows(raw: bytes, *, separator: str) -> Iterator[Row]:
    try:
        chunks = (raw[at : at + _CHUNK] for at in range(0, len(raw), _CHUNK))
        yield from read(chunks, separator=separator)
    except CsvInvalid as error:
        raise StatementInvalid({f"line {error.line}": [error.problem]}) from error


def _parse_line(number: int, cells: Mapping[str, str]) -> StatementLine:
    """cells: by their meaning."""
    if cells.get("status", "BOOKED") != "BOOKED":
        raise _InvalidLine("status: must be BOOKED")
    direction, amount = _movement(cells)
    if "reference" in cells:
        for name in ("reference", "bankReference"):
            if not _REFERENCE.fullmatch(cells.get(name, "-")):
                raise _InvalidLine(f"{name}: must be 1 to 255 visible ASCII characters")
    elif not _BANK_REFERENCE.fullmatch(cells.get("bankReference", "")):
        raise _InvalidLine("bankReference: must be at most 255 ASCII characters")
    return StatementLine(
        number=number,
        date=_day(cells["date"]),
        direction=direction,
        reference=cells.get("reference", ""),
        bank_reference=cells.get("bankReference", ""),
        money=_money(amount, cells["currency"]),
        text=cells.get("text", ""),
    )


def _movement(cells: Mapping[str, str]) -> tuple[Direction, str]:
    """The direction and the amount."""
    if "amount" in cells and "direction" in cells:
        direction = _DIRECTIONS.get(cells["direction"])
        if direction is None:
            raise _InvalidLine("direction: must be CREDIT or DEBIT")
        return direction, cells["amount"]
    sides = (("debit", Direction.DEBIT), ("credit", Direction.CREDIT))
    moved = [(side, cells[name]) for name, side in sides if not _NOTHING.fullmatch(cells[name])]
    if len(moved) != 1:
        raise _InvalidLine("must have an amount as debit or as credit")
    return moved[0]


def _date_format(text: str) -> str | None:
    """The format of a date, as `strptime` takes it."""
    return next((form for pattern, form in _DATES if pattern.fullmatch(text)), None)


def _may_be_transaction(cells: Mapping[str, str]) -> bool:
    """Whether a row without a date that we know must be reported as invalid."""
    is_dated = _DATE_LIKE.search(cells["date"][:_MAX_DATE]) is not None
    return is_dated or any(map(_has_amount, map(cells.get, layout.AMOUNTS)))


def _has_amount(cell: str | None) -> bool:
    return cell is not None and _NOT_ZERO.search(cell) is not None


def _day(text: str) -> date:
    if (form := _date_format(text)) is not None:
        with suppress(ValueError):
            return datetime.strptime(text, form).date()  # noqa: DTZ007 – a day has no time zone
    raise _InvalidLine("date: must be a date such as 2026-11-21 or 21/11/2026")


def _money(amount: str, currency: str) -> Money:
    if currency not in EXPONENTS:
        raise _InvalidLine(f"currency: must be one of {', '.join(EXPONENTS)}")
    money, parts = None, _AMOUNT.fullmatch(amount)
    # More decimals than the currency has would be thousands: 1.250 in Germany.
    if parts is not None and len(parts[1] or "") <= EXPONENTS[currency]:
        try:
            money = Money.of(Decimal(amount.replace(",", "")), currency)
        except AppError:
            money = None
    if money is None or money.minor == 0:
        raise _InvalidLine(
            f"amount: must be an amount of {currency} such as {Money(1250, currency)}"
        )
    return money
