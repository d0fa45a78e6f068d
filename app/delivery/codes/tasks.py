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

#: Chunks per job, so that other jobs are not delayed for long.
_CHUNKS_PER_JOB: Final = 10
_BATCH_SIZE: Final = 100


def add_codes(upload_id: UUID) -> None:
    """Put the codes of an upload on sale, and continue in another job if there are more.

    Idempotent: each chunk is put on sale and deleted in one transaction.
    """
    for _ in range(_CHUNKS_PER_JOB):
        if not add_next_chunk(upload_id):
            return
    queue.enqueue(add_codes, upload_id)


def add_next_chunk(upload_id: UUID) -> bool:
    """Put the next chunk of an upload on sale. Returns whether there was one."""
    try:
        with reading() as session:
            chunk = uploads.get_next_chunk(session, upload_id=upload_id)
        if chunk is not None:
            retry_transaction(partial(uploads.add_chunk, chunk=chunk))
    except ProductNotFound:
        retry_transaction(partial(uploads.fail_upload, upload_id=upload_id))
        return False
    except DecryptionFailed as error:
        _log.warning("upload stuck", upload=str(upload_id), reason=str(error))
        return False
    return chunk is not None


def sweep() -> int:
    """Resume uploads whose job was lost, and delete incomplete ones and the unsold codes of deleted
    products. Returns their number."""
    deleted = queue.until_done(
        partial(retry_transaction, partial(uploads.delete_abandoned, limit=_BATCH_SIZE))
    )
    deleted += queue.until_done(
        partial(retry_transaction, partial(uploads.purge_deleted, limit=uploads.CHUNK_SIZE))
    )
    return deleted + queue.enqueue_due(
        partial(uploads.claim_stalled, limit=_BATCH_SIZE), add_codes, enqueue=queue.enqueue
    )
