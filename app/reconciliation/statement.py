"""Reading the statement of a bank: CSV (RFC 4180) in UTF-8, its columns by their names."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

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

#: Whoever has sent the wrong file need not read about each line of it.
_MOST_PROBLEMS: Final = 20

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AMOUNT: Final = re.compile(r"\d{1,19}(\.\d{1,3})?", re.ASCII)
_REFERENCE: Final = re.compile(r"[!-~]{1,255}")


class Direction(StrEnum):
    """Seen from us: CREDIT is a payment that we got, DEBIT a payout."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


@dataclass(frozen=True, slots=True)
class Line:
    """What the bank has booked. number: of the line in the file, the header being 1."""

    number: int
    date: date
    direction: Direction
    reference: str
    bank_reference: str
    money: Money


class _Bad(Exception):
    pass


def read(raw: bytes) -> list[Line]:
    """The lines of a statement in their order. Raises StatementInvalid."""
    rows = _rows(raw)
    where = _columns(next(rows, (1, []))[1])
    lines: list[Line] = []
    problems: dict[str, list[str]] = {}
    for number, row in rows:
        if not row:
            continue  # an empty line, as many files have at their end
        try:
            lines.append(_line(number, row, where))
        except _Bad as bad:
            problems[f"line {number}"] = [str(bad)]
            if len(problems) == _MOST_PROBLEMS:
                break
    if problems:
        raise StatementInvalid(problems)
    return lines


def _rows(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line that it begins in."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise StatementInvalid({f"line {line}": ["not UTF-8"]}) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise StatementInvalid({f"line {begins}": [f"not CSV: {error}"]}) from error
        yield begins, row


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where each column is; others than ours may be there, too."""
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise StatementInvalid({"line 1": [f"no column {', '.join(missing)}"]})
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise StatementInvalid({"line 1": [f"more than one column {', '.join(twice)}"]})
    return {name: names.index(name) for name in COLUMNS}


def _line(number: int, row: Sequence[str], where: dict[str, int]) -> Line:
    if len(row) <= max(where.values()):
        raise _Bad(f"{len(row)} fields, fewer than the header")
    value = {name: row[place].strip() for name, place in where.items()}
    if value["status"] != "BOOKED":
        raise _Bad("status: only BOOKED is understood")
    if value["direction"] not in list(Direction):
        raise _Bad("direction: neither CREDIT nor DEBIT")
    for name in ("reference", "bankReference"):
        if not _REFERENCE.fullmatch(value[name]):
            raise _Bad(f"{name}: not 1 to 255 visible ASCII characters")
    return Line(
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
    raise _Bad("date: not a day such as 2026-11-21")


def _money(amount: str, currency: str) -> Money:
    if currency not in EXPONENTS:
        raise _Bad(f"currency: none of {', '.join(EXPONENTS)}")
    try:
        money = Money.of(Decimal(amount), currency) if _AMOUNT.fullmatch(amount) else None
    except AppError:
        money = None
    if money is None or money.minor == 0:
        raise _Bad(f"amount: not an amount of {currency}, such as {Money(1250, currency)}")
    return money
