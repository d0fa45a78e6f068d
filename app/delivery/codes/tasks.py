"""Jobs of codes."""

from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.common import queue
from app.common.db import reading, retry_transaction
from app.common.encryption import DecryptionFailed
from app.delivery.codes import uploads
from app.products.errors import ProductNotFound

_log = structlog.get_logger()

#: Then other jobs have their turn.
_CHUNKS: Final = 10
_AT_ONCE: Final = 100


def add_codes(upload_id: UUID) -> None:
    """Put codes of an upload on sale, and go on in another job if there are more.

    Safe to run twice: each part is put on sale and removed in one transaction.
    """
    for _ in range(_CHUNKS):
        if not add_some(upload_id):
            return
    queue.enqueue(add_codes, upload_id)


def add_some(upload_id: UUID) -> bool:
    """Put the next part of an upload on sale; whether there was one."""
    try:
        with reading() as session:
            chunk = uploads.next_chunk(session, upload_id=upload_id)
        if chunk is not None:
            retry_transaction(partial(uploads.add_chunk, chunk=chunk))
    except ProductNotFound:
        retry_transaction(partial(uploads.give_up, upload_id=upload_id))
        return False
    except DecryptionFailed as problem:
        _log.warning("upload stuck", upload=str(upload_id), why=str(problem))
        return False
    return chunk is not None


def sweep() -> int:
    """Go on with uploads whose job was lost, and forget those that never came whole; how many."""
    forgotten = queue.until_done(
        partial(retry_transaction, partial(uploads.drop_silent, limit=_AT_ONCE))
    )
    return forgotten + queue.until_done(_begin_some)


def _begin_some() -> int:
    stalled = retry_transaction(partial(uploads.take_stalled, limit=_AT_ONCE))
    for upload_id in stalled:
        queue.enqueue(add_codes, upload_id)
    return len(stalled)
