"""Parsing a bank statement: CSV (RFC 4180) in UTF-8, with columns identified by name."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.common import csv_documents
from app.common.errors import AppError
from app.common.money import EXPONENTS, Money
from app.reconciliation.errors import StatementInvalid

COLUMNS: Final = (
    "date",
    "reference",
    "bankReference",
    "direction",
    "amount",
    "currency",
    "status",
)

#: Parsing stops after this many problems, because every line of a wrong file is invalid.
_MAX_PROBLEMS: Final = 20

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AMOUNT: Final = re.compile(r"\d{1,19}(\.\d{1,3})?", re.ASCII)
_REFERENCE: Final = re.compile(r"[!-~]{1,255}")


class Direction(StrEnum):
    """From our point of view: CREDIT is a payment received, DEBIT a payout."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A booked transaction. number: of the line in the file; the header is line 1."""

    number: int
    date: date
    direction: Direction
    reference: str
    bank_reference: str
    money: Money


class _InvalidLine(Exception):
    pass


def parse(raw: bytes) -> list[StatementLine]:
    """The lines of a statement in order. Raises StatementInvalid."""
    rows = _rows(raw)
    positions = _columns(next(rows, (1, []))[1])
    lines: list[StatementLine] = []
    problems: dict[str, list[str]] = {}
    for number, row in rows:
        if not row:
            continue  # an empty line, often at the end of a file
        try:
            lines.append(_parse_line(number, row, positions))
        except _InvalidLine as problem:
            problems[f"line {number}"] = [str(problem)]
            if len(problems) == _MAX_PROBLEMS:
                break
    if problems:
        raise StatementInvalid(problems)
    return lines


def _rows(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise StatementInvalid({f"line {line}": ["Not UTF-8."]}) from error
    try:
        yield from csv_documents.parse_rows(io.StringIO(text, newline=""))
    except csv_documents.CsvInvalid as error:
        raise StatementInvalid({f"line {error.line}": [error.problem]}) from error


def _columns(header: Sequence[str]) -> dict[str, int]:
    """The position of each column. Additional columns are ignored."""
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise StatementInvalid({"line 1": [f"missing column {', '.join(missing)}"]})
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise StatementInvalid({"line 1": [f"duplicate column {', '.join(twice)}"]})
    return {name: names.index(name) for name in COLUMNS}


def _parse_line(number: int, row: Sequence[str], positions: dict[str, int]) -> StatementLine:
    if len(row) <= max(positions.values()):
        raise _InvalidLine(f"{len(row)} fields, fewer than in the header")
    value = {name: row[position].strip() for name, position in positions.items()}
    if value["status"] != "BOOKED":
        raise _InvalidLine("status: must be BOOKED")
    if value["direction"] not in list(Direction):
        raise _InvalidLine("direction: must be CREDIT or DEBIT")
    for name in ("reference", "bankReference"):
        if not _REFERENCE.fullmatch(value[name]):
            raise _InvalidLine(f"{name}: must be 1 to 255 visible ASCII characters")
    return StatementLine(
        number=number,
        date=_day(value["date"]),
        direction=Direction(value["direction"]),
        reference=value["reference"],
        bank_reference=value["bankReference"],
        money=_money(value["amount"], value["currency"]),
    )


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _InvalidLine("date: must be a date such as 2026-11-21")


def _money(amount: str, currency: str) -> Money:
    if currency not in EXPONENTS:
        raise _InvalidLine(f"currency: must be one of {', '.join(EXPONENTS)}")
    try:
        money = Money.of(Decimal(amount), currency) if _AMOUNT.fullmatch(amount) else None
    except AppError:
        money = None
    if money is None or money.minor == 0:
        raise _InvalidLine(
            f"amount: must be an amount of {currency} such as {Money(1250, currency)}"
        )
    return money
