"""Renders statements as PDF in a child process.

Drawing a page takes as long as a dozen purchases and holds the GIL, and reportlab would cost every
web process 15 MB. So a child process renders one statement at a time, at low priority.
"""

import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import IO, Any, Final, cast
from zoneinfo import ZoneInfo

from app.common import deadline
from app.common.errors import Unavailable
from app.common.json_format import dump_json
from app.common.money import format_minor
from app.common.settings import PROJECT_ROOT
from app.common.time_zone import UTC_ZONE, local
from app.statements.service import Statement
from app.wallets.models import WalletTransaction
from app.wallets.service import NumberedPosting

#: Seconds until the child process is killed.
TIMEOUT: Final = 180

#: Display names of transaction types that differ from their names in words.
_DISPLAY_NAMES: Final = {"ONRAMP": "From bank", "PAYOUT": "To bank"}

_UTC: Final = "Coordinated Universal Time (UTC)"

_one_at_a_time: Final = threading.Lock()


def render_pdf(statement: Statement, chunks: Iterable[Sequence[NumberedPosting]]) -> bytes:
    """The statement as PDF. Raises Unavailable if it takes too long."""
    if not _one_at_a_time.acquire(timeout=TIMEOUT):
        raise Unavailable(retry_after=10)
    deadline.begin(TIMEOUT)
    try:
        return _render(statement, chunks)
    finally:
        _one_at_a_time.release()


def _render(statement: Statement, chunks: Iterable[Sequence[NumberedPosting]]) -> bytes:
    with subprocess.Popen(
        [sys.executable, "-m", "app.statements.pdf"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT_ROOT,
    ) as child:
        stop = threading.Timer(TIMEOUT, child.kill)
        stop.start()
        try:
            with suppress(BrokenPipeError):  # it was killed, so there is no document
                _send(statement, chunks, cast("IO[bytes]", child.stdin))
            document = cast("IO[bytes]", child.stdout).read()
        except BaseException:
            child.kill()
            raise
        finally:
            stop.cancel()
    if child.returncode != 0:
        raise Unavailable(retry_after=10)
    return document


def _send(
    statement: Statement, chunks: Iterable[Sequence[NumberedPosting]], file: IO[bytes]
) -> None:
    """Send the content to the child, which writes nothing before it has received all of it."""
    with file:
        file.write(dump_json(format_head(statement)) + b"\n")
        for chunk in chunks:
            rows = [format_row(*line, statement.zone) for line in chunk]
            file.write(dump_json(rows) + b"\n")
        file.write(b"null\n")


def format_head(statement: Statement) -> dict[str, Any]:
    """The head of a statement, formatted."""
    wallet, holder, currency = statement.period.wallet, statement.holder, statement.currency
    number, zone = wallet.number or "", statement.zone
    return {
        "name": " ".join(filter(None, (holder.first_name, holder.last_name))),
        "shop": holder.shop_name,
        "contact": holder.email or holder.phone,
        "number": " ".join(number[place : place + 4] for place in range(0, len(number), 4)),
        "currency": currency,
        "from": _timestamp(statement.since, zone),
        "to": _timestamp(statement.until, zone),
        "zone": _UTC if zone == UTC_ZONE else zone.key,
        "issued": f"{_timestamp(statement.issued_at, zone)}{' UTC' if zone == UTC_ZONE else ''}",
        "opening": _grouped(statement.opening, currency),
        "closing": _grouped(statement.closing, currency),
        "count": f"{statement.period.count:,}",
        "in": _grouped(statement.incoming, currency),
        "out": _grouped(statement.outgoing, currency),
        "totals": [
            (
                _display_name(total.type),
                f"{total.count:,}",
                _grouped(total.incoming, currency),
                _grouped(total.outgoing, currency),
            )
            for total in statement.totals
        ],
    }


def format_row(
    line: WalletTransaction, order_number: str | None, zone: ZoneInfo
) -> tuple[str, ...]:
    """A posting, formatted: date, type, description, reference, amount, balance."""
    reference = f"{line.reference_type} {line.reference_id}" if line.reference_id else ""
    return (
        _timestamp(line.created_at, zone),
        _display_name(line.type),
        line.description or "",
        f"order {order_number}" if order_number else reference,
        _grouped(line.amount, line.currency),
        _grouped(line.balance_after or 0, line.currency),
    )


def _timestamp(time: datetime, zone: ZoneInfo) -> str:
    """With the offset from UTC, unless the zone is UTC."""
    shown = local(time, zone)
    offset = "" if zone == UTC_ZONE else f" {shown.isoformat()[-6:]}"
    return f"{shown:%Y-%m-%d %H:%M:%S}{offset}"


def _display_name(kind: str) -> str:
    return _DISPLAY_NAMES.get(kind) or kind.replace("_", " ").capitalize()


def _grouped(minor: int, currency: str) -> str:
    """1234567 → `12,345.67`."""
    sign = "-" if minor < 0 else ""
    whole, point, rest = format_minor(abs(minor), currency).partition(".")
    return f"{sign}{int(whole):,}{point}{rest}"
