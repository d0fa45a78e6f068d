"""HTTP endpoints of statements."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

from flask import Response

from app.auth.guard import current_user, requires
from app.auth.scopes import Scope
from app.common import csv_documents, csv_http
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.db import reading
from app.common.http import Blueprint, settings
from app.common.ratelimit import per_caller
from app.common.time_range import PeriodInvalid
from app.common.time_zone import local
from app.statements import documents, pdf_worker, service
from app.statements.errors import StatementTooLong
from app.statements.schemas import StatementArgs, StatementOut
from app.statements.service import CHUNK, Statement
from app.wallets.errors import WalletNotFound
from app.wallets.service import NumberedPosting

blp = Blueprint(
    "statements",
    __name__,
    url_prefix="/wallet/statement",
    description="Account statements as JSON, CSV or PDF",
)

#: Maximum number of postings per format that can be processed in reasonable time.
MAX_TRANSACTIONS: Final = {"json": 1_000_000, "csv": 1_000_000, "pdf": 100_000}

_MEDIA_TYPES: Final = {
    "json": "application/json",
    "csv": csv_http.CONTENT_TYPE,
    "pdf": "application/pdf",
}

#: Limit long responses, each of which occupies a thread of this process.
_stream_limiter: Final = ConcurrencyLimiter(4)
_pdf_limiter: Final = ConcurrencyLimiter(4)


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(StatementArgs, location="query")
@blp.response(200, StatementOut)
@blp.doc(
    responses={
        200: {
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            }
        }
    }
)
@blp.errors(PeriodInvalid, WalletNotFound, StatementTooLong)
@per_caller("20/minute")
def get_statement(args: dict[str, Any]) -> Response:
    """Get an account statement

    Returns opening and closing balance, totals per type and every transaction of the period,
    oldest first. The opening balance and the transactions add up to the closing balance. JSON and
    CSV contain up to 1,000,000 transactions, PDF up to 100,000. A CSV lists the transactions
    between a line with the opening and a line with the closing balance. The times of CSV and PDF
    have the offset of `timeZone`, which a column and the head name. In CSV, text that a spreadsheet
    would interpret as a formula is prefixed with an apostrophe. A document without its last part
    was truncated: request it again.
    """
    form, bom = args.pop("format"), args.pop("bom")
    with reading() as session:
        holder = current_user(session)
        statement = service.create_statement(
            session,
            holder=holder,
            currency=settings().default_currency,
            maximum=MAX_TRANSACTIONS[form],
            within=args.pop("requested").within(holder.time_zone),
            **args,
        )
    chunks = service.postings(statement, reading=reading)
    if form == "pdf":
        response = _render(statement, chunks)
    elif form == "csv":
        parts = documents.as_csv(statement, chunks)
        response = _write(statement, csv_documents.marked(parts, bom=bom))
    else:
        response = _write(statement, documents.as_json(statement, chunks))
    response.headers["Content-Type"] = _MEDIA_TYPES[form]
    if form != "json":
        response.headers["Content-Disposition"] = (
            f'attachment; filename="{_name(statement)}.{form}"'
        )
    return response


def _render(statement: Statement, chunks: Iterator[Sequence[NumberedPosting]]) -> Response:
    release = _pdf_limiter.acquire(statement.holder.id)
    try:
        return Response(pdf_worker.render_pdf(statement, chunks))
    finally:
        release()


def _write(statement: Statement, parts: Iterator[bytes]) -> Response:
    if statement.period.count <= CHUNK:
        return Response(b"".join(parts))
    release = _stream_limiter.acquire(statement.holder.id)
    try:
        # Until then, a failure leads to an error response.
        first = next(parts)
    except BaseException:
        release()
        raise
    response = Response(chain((first,), parts))
    response.call_on_close(release)
    return response


def _name(statement: Statement) -> str:
    number = statement.period.wallet.number
    since, until = (local(time, statement.zone) for time in (statement.since, statement.until))
    return f"statement-{number}-{since:%Y%m%d}-{until:%Y%m%d}"
