"""A file of codes from the request to the shelf, or to the job: opens transactions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.db import retry_transaction
from app.common.errors import Unavailable
from app.delivery.codes import uploads
from app.delivery.codes.lines import Line
from app.delivery.codes.models import CodeUpload


def receive(
    lines: Iterator[Line],
    *,
    product_id: UUID,
    merchant: Callable[[Session], User],
    begin_job: Callable[[UUID], None],
) -> CodeUpload:
    """Put a file of codes on sale: a small one at once, a large one by a job.

    lines: at most `uploads.CHUNK` of them are held at a time; merchant: whose they are, asked for
    in every transaction; begin_job: is told the id of a large upload once it is complete.
    Raises what `lines` and `uploads.require_shelf` raise; nothing is left then.
    """
    first, second = _chunk(lines), _chunk(lines)
    if not second:
        codes = uploads.get_ready(first, product_id=product_id)
        return retry_transaction(
            lambda session: uploads.add_at_once(
                session, merchant=merchant(session), product_id=product_id, codes=codes
            )
        )
    upload = _store(
        chain((first, second), iter(lambda: _chunk(lines), [])),
        begin=lambda session: uploads.begin(
            session, merchant=merchant(session), product_id=product_id
        ),
    )
    begin_job(upload.id)
    return upload


def _chunk(lines: Iterator[Line]) -> list[Line]:
    return list(islice(lines, uploads.CHUNK))


def _store(
    chunks: Iterator[Sequence[Line]], *, begin: Callable[[Session], CodeUpload]
) -> CodeUpload:
    """In short transactions, because it lasts as long as the client takes to send it."""
    upload_id = retry_transaction(begin).id
    with _dropped_unless_whole(upload_id):
        for number, chunk in enumerate(chunks):
            retry_transaction(
                partial(uploads.keep, upload_id=upload_id, number=number, lines=chunk)
            )
        return retry_transaction(partial(uploads.hand_over, upload_id=upload_id))


@contextmanager
def _dropped_unless_whole(upload_id: UUID) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(DBAPIError, Unavailable):  # then a scheduled job does it
            retry_transaction(partial(uploads.drop, upload_id=upload_id))
        raise
