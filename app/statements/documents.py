"""Statements as JSON and CSV, encoded in chunks.

A truncated document is recognisable: JSON lacks its end, and CSV its row with the closing balance.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.common import csv_documents
from app.common.json_format import dump_json
from app.common.money import format_minor
from app.common.time_zone import format_local
from app.statements.schemas import head_out
from app.statements.service import Statement
from app.wallets.models import WalletTransaction
from app.wallets.schemas import transaction_out
from app.wallets.service import NumberedPosting

CSV_HEAD: Final = (
    "date",
    "type",
    "description",
    "referenceType",
    "referenceId",
    "amount",
    "balance",
    "currency",
    "transactionId",
    "orderNumber",
    "timeZone",
)


def as_json(statement: Statement, chunks: Iterable[Sequence[NumberedPosting]]) -> Iterator[bytes]:
    """JSON as StatementOut describes."""
    separator = dump_json(head_out(statement))[:-1] + b',"transactions":['
    for chunk in chunks:
        yield separator + b",".join(dump_json(transaction_out(*line)) for line in chunk)
        separator = b","
    yield b"]}" if statement.period.count else separator + b"]}"


def as_csv(statement: Statement, chunks: Iterable[Sequence[NumberedPosting]]) -> Iterator[bytes]:
    """CSV (RFC 4180) in UTF-8: one row per posting, between the opening and the closing balance."""
    start: Sequence[Sequence[Any]] = (CSV_HEAD, _balance(statement, "OPENING_BALANCE"))
    for chunk in chunks:
        yield csv_documents.write((*start, *(_posting(*line, statement.zone) for line in chunk)))
        start = ()
    yield csv_documents.write((*start, _balance(statement, "CLOSING_BALANCE")))


def _balance(statement: Statement, kind: str) -> tuple[str | None, ...]:
    is_opening = kind == "OPENING_BALANCE"
    time = statement.since if is_opening else statement.until
    minor = statement.opening if is_opening else statement.closing
    currency = statement.currency
    return (
        format_local(time, statement.zone),
        kind,
        None,
        None,
        None,
        None,
        format_minor(minor, currency),
        currency,
        None,
        None,
        statement.time_zone,
    )


def _posting(line: WalletTransaction, order_number: str | None, zone: ZoneInfo) -> tuple[Any, ...]:
    return (
        format_local(line.created_at, zone),
        line.type,
        csv_documents.escape_formula(line.description),
        line.reference_type,
        line.reference_id,
        format_minor(line.amount, line.currency),
        format_minor(line.balance_after or 0, line.currency),
        line.currency,
        line.id,
        order_number,
        zone.key,
    )
