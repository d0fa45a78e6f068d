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

#: The format of each spelling of a date, as `strptime` takes it. Days come first, unless it is
#: stated that months do.
_DATES: Final = (
    (re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII), "%Y-%m-%d"),
    (re.compile(r"20\d{6}", re.ASCII), "%Y%m%d"),
    (re.compile(r"\d{1,2} [a-z]{3} \d{4}", re.ASCII | re.I), "%d %b %Y"),
    (re.compile(r"\d{1,2} [a-z]{3} \d{2}", re.ASCII | re.I), "%d %b %y"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}", re.ASCII), "%d/%m/%Y"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{2}", re.ASCII), "%d/%m/%y"),
)
#: The same with another character between day, month and year.
_DATE_PARTS: Final = re.compile(
    r"(\d{1,2})([-./ ])(\d{1,2}|[a-z]{3})\2(\d{2}|\d{4})", re.ASCII | re.I
)
_TIME: Final = re.compile(r"[ T,]+\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?[AP]M)?", re.ASCII | re.I)
#: Only the start of a cell is searched: that takes cubic time.
_DATE_LIKE: Final = re.compile(r"[0-9]{1,4}[^0-9,]+\w+[^0-9,]+[0-9]{1,4}|[0-9]{8}")
_MAX_DATE: Final = 40
#: With or without separators of thousands: 12,345.67 and, in India, 1,23,456.78.
_AMOUNT: Final = re.compile(
    r"(?:\d{1,19}|\d{1,3}(?:,\d{2,3}){0,6},\d{3})(?:\.(\d{1,3}))?", re.ASCII
)
#: The same with a comma before the decimals: 12.345,67 and 12 345,67.
_COMMA_AMOUNT: Final = re.compile(
    r"(?:\d{1,19}|\d{1,3}(?:([.' ])\d{3})(?:\1\d{3}){0,5})(?:,(\d{1,3}))?", re.ASCII
)
#: What banks write around an amount: its currency and its direction.
_SYMBOLS: Final[Mapping[str, str]] = {"INR": r"₹|Rs\.?", "USD": r"\$", "EUR": "€", "GBP": "£"}
_SIGNED: Final = re.compile(r"([+-])? ?(.*?) ?([CD]r\.?)?", re.I | re.S)
_NOT_ZERO: Final = re.compile(r"[1-9]")
#: What banks write into the column of the other direction.
_NOTHING: Final = re.compile(r"[-*]*|0*(\.0*)?", re.ASCII)
#: The same, of references.
_NO_REFERENCE: Final = re.compile(r"[-*.]*|0+|n/?a|nil", re.I)
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
    **dict.fromkeys(("CREDIT", "CR", "C", "+"), Direction.CREDIT),
    **dict.fromkeys(("DEBIT", "DR", "D", "-"), Direction.DEBIT),
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


@dataclass(frozen=True, slots=True)
class Format:
    """How a bank writes its statement, where that cannot be seen.

    columns: meanings and names of columns (see `layout`). decimal_comma: whether amounts are
    written as 1.250,00. month_first: whether days are written as 11/26/2026.
    """

    columns: Sequence[tuple[str, str]] = ()
    decimal_comma: bool = False
    month_first: bool = False


_USUAL: Final = Format()


class _InvalidLine(Exception):
    pass


def parse(raw: bytes, *, currency: str, form: Format = _USUAL) -> list[StatementLine]:
    """The lines of a statement in order.

    raw: CSV with our columns, those of net banking (see `layout`), or those of `form`. Of a bank's
    own format, rows before the header, and rows without a date that are totals or have no amount,
    are skipped. currency: of a statement without a column for it. Raises StatementInvalid.
    """
    columns = form.columns
    rows, found = _find_table(raw, columns)
    lines: list[StatementLine] = []
    problems: dict[str, list[str]] = {}
    has_ended = False
    for row in rows:
        cells = found.cells(row)
        try:
            if not found.is_ours and _date_format(_plain_date(cells["date"])) is None:
                if _END.search(" ".join(row.cells)) and not _DIGIT.search(cells["date"]):
                    has_ended = True
                if has_ended or not _may_be_transaction(cells):
                    continue
            if len(row.cells) > found.width:
                raise _InvalidLine(
                    f"the row has {len(row.cells)} cells, but the header has {found.width}"
                )
            lines.append(_parse_line(row.line, {"currency": currency} | cells, form))
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


def _parse_line(number: int, cells: Mapping[str, str], form: Format) -> StatementLine:
    """cells: by their meaning."""
    if cells.get("status", "BOOKED") != "BOOKED":
        raise _InvalidLine("status: must be BOOKED")
    direction, amount = _movement(cells)
    bank_reference = cells.get("bankReference", "")
    if "reference" in cells:
        for name in ("reference", "bankReference"):
            if not _REFERENCE.fullmatch(cells.get(name, "-")):
                raise _InvalidLine(f"{name}: must be 1 to 255 visible ASCII characters")
    elif not _BANK_REFERENCE.fullmatch(bank_reference):
        raise _InvalidLine("bankReference: must be at most 255 ASCII characters")
    elif _NO_REFERENCE.fullmatch(bank_reference):
        bank_reference = ""
    return StatementLine(
        number=number,
        date=_day(cells["date"], form),
        direction=direction,
        reference=cells.get("reference", ""),
        bank_reference=bank_reference,
        money=_money(amount, cells["currency"], form),
        text=cells.get("text", ""),
    )


def _movement(cells: Mapping[str, str]) -> tuple[Direction, str]:
    """The direction, and the amount without it."""
    if "amount" in cells:
        stated, amount = _signed(cells["amount"])
        if "direction" not in cells:
            if stated is None:
                raise _InvalidLine("amount: must have + or -, Cr or Dr, or a column direction")
            return stated, amount
        direction = _DIRECTIONS.get(cells["direction"].upper().rstrip("."))
        if direction is None:
            raise _InvalidLine("direction: must be CREDIT or DEBIT")
        # A sign beside a direction may mean its opposite: such a line is refused as an amount.
        agrees = stated is direction and cells["amount"][0] not in "+-"
        return direction, amount if agrees else cells["amount"]
    sides = (("debit", Direction.DEBIT), ("credit", Direction.CREDIT))
    moved = [(side, cells[name]) for name, side in sides if not _NOTHING.fullmatch(cells[name])]
    if len(moved) != 1:
        raise _InvalidLine("must have an amount as debit or as credit")
    ((side, amount),) = moved
    stated, plain = _signed(amount)
    is_named = stated is side and amount[0] not in "+-"
    return side, plain if is_named else amount


def _signed(amount: str) -> tuple[Direction | None, str]:
    """The direction that is written with an amount, if there is one, and the amount without it."""
    sign, plain, name = _SIGNED.fullmatch(amount).groups()  # type: ignore[union-attr]
    stated = [_DIRECTIONS[each.upper().rstrip(".")] for each in (sign, name) if each]
    return (stated[0], plain) if len(stated) == 1 else (None, amount)


def _plain_date(cell: str) -> str:
    """A date without its time, and with the same characters between its parts."""
    text = cell[:_MAX_DATE]
    if found := _TIME.search(text):
        text = text[: found.start()] if found.end() == len(cell) else text
    if parts := _DATE_PARTS.fullmatch(text):
        between = "/" if parts[3].isdigit() else " "
        text = between.join(parts.group(1, 3, 4))
    return text


def _date_format(text: str) -> str | None:
    """The format of a date, as `strptime` takes it."""
    return next((form for pattern, form in _DATES if pattern.fullmatch(text)), None)


def _may_be_transaction(cells: Mapping[str, str]) -> bool:
    """Whether a row without a date that we know must be reported as invalid."""
    is_dated = _DATE_LIKE.search(cells["date"][:_MAX_DATE]) is not None
    return is_dated or any(map(_has_amount, map(cells.get, layout.AMOUNTS)))


def _has_amount(cell: str | None) -> bool:
    return cell is not None and _NOT_ZERO.search(cell) is not None


def _day(cell: str, form: Format) -> date:
    text = _plain_date(cell)
    if (pattern := _date_format(text)) is not None:
        if form.month_first:
            pattern = pattern.replace("%d/%m", "%m/%d")
        with suppress(ValueError):
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 – a day has no time zone
    example = "11/21/2026" if form.month_first else "21/11/2026"
    raise _InvalidLine(f"date: must be a date such as 2026-11-21 or {example}")


def _money(amount: str, currency: str, form: Format) -> Money:
    if currency not in EXPONENTS:
        raise _InvalidLine(f"currency: must be one of {', '.join(EXPONENTS)}")
    symbols = "|".join(filter(None, (currency, _SYMBOLS.get(currency))))
    within = re.fullmatch(rf"(?:(?:{symbols})\s?)?(.*?)(?:\s?(?:{symbols}))?", amount)
    amount = within[1] if within else amount
    money, plain = None, _plain_amount(amount, EXPONENTS[currency], form)
    if plain is not None:
        try:
            money = Money.of(Decimal(plain), currency)
        except AppError:
            money = None
    if money is None or money.minor == 0:
        example = str(Money(1250, currency))
        raise _InvalidLine(
            f"amount: must be an amount of {currency} such as"
            f" {example.replace('.', ',') if form.decimal_comma else example}"
        )
    return money


def _plain_amount(amount: str, exponent: int, form: Format) -> str | None:
    """The amount with a decimal point and without separators of thousands; None if it is none.

    More decimals than the currency has would be thousands: 1.250 in Germany.
    """
    pattern = _COMMA_AMOUNT if form.decimal_comma else _AMOUNT
    parts = pattern.fullmatch(amount)
    if parts is None or len(parts[pattern.groups] or "") > exponent:
        return None
    if form.decimal_comma:
        return re.sub("[.' ]", "", amount).replace(",", ".")
    return amount.replace(",", "")
