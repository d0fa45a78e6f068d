"""Ingestion of a file of codes while it is received, in several transactions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Final
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.db import reading, retry_transaction
from app.common.errors import Unavailable
from app.delivery.codes import uploads
from app.delivery.codes.models import CodeUpload
from app.delivery.codes.parser import CodeFile, ParsedCode

#: Codes that a preview shows.
PREVIEWED: Final = 10


def ingest(
    codes: Iterator[ParsedCode],
    *,
    product_id: UUID,
    require_merchant: Callable[[Session], User],
    enqueue_job: Callable[[UUID], None],
) -> CodeUpload:
    """Put a small file of codes on sale immediately, a large one by a job.

    codes: at most `uploads.CHUNK_SIZE` of them are in memory at a time. require_merchant: called in
    every transaction. enqueue_job: called with the id of a large upload once it is complete.
    Raises what `codes` and `uploads.require_codes_product` raise, and then stores nothing.
    """
    first, second = _next_chunk(codes), _next_chunk(codes)
    if not second:
        encrypted = uploads.encrypt_codes(first, product_id=product_id)
        return retry_transaction(
            lambda session: uploads.add_codes(
                session, merchant=require_merchant(session), product_id=product_id, codes=encrypted
            )
        )
    upload = _store(
        chain((first, second), iter(lambda: _next_chunk(codes), [])),
        create_upload=lambda session: uploads.create_upload(
            session, merchant=require_merchant(session), product_id=product_id
        ),
    )
    enqueue_job(upload.id)
    return upload


@dataclass(frozen=True, slots=True)
class Preview:
    """How a file of codes is understood, and what it would add.

    header, columns: as of CodeFile; codes: the first ones.
    """

    header: Sequence[str] | None
    columns: Sequence[str]
    total: int
    duplicates: int
    codes: Sequence[str]


def preview(file: CodeFile, *, product_id: UUID) -> Preview:
    """What `ingest` would add. Raises what the codes of the file raise."""
    total, new, first = 0, set[bytes](), list[str]()
    while chunk := _next_chunk(file.codes):
        total += len(chunk)
        first += [parsed.code for parsed in chunk[: PREVIEWED - len(first)]]
        with reading() as session:
            new |= uploads.find_new(session, product_id=product_id, codes=chunk)
    return Preview(file.header, file.columns, total, total - len(new), first)


def _next_chunk(codes: Iterator[ParsedCode]) -> list[ParsedCode]:
    return list(islice(codes, uploads.CHUNK_SIZE))


def _store(
    chunks: Iterator[Sequence[ParsedCode]], *, create_upload: Callable[[Session], CodeUpload]
) -> CodeUpload:
    """In short transactions, because it lasts as long as the client takes to send the file."""
    upload_id = retry_transaction(create_upload).id
    with _discarded_on_error(upload_id):
        for number, chunk in enumerate(chunks):
            retry_transaction(
                partial(uploads.store_chunk, upload_id=upload_id, number=number, codes=chunk)
            )
        return retry_transaction(partial(uploads.mark_received, upload_id=upload_id))


@contextmanager
def _discarded_on_error(upload_id: UUID) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(DBAPIError, Unavailable):  # Then a scheduled job does it.
            retry_transaction(partial(uploads.discard, upload_id=upload_id))
        raise
