"""Jobs of stored contents. All are idempotent and may run concurrently.

They call the storage, which may be remote, so the scheduled ones only enqueue the others for
outbound calls.
"""

from functools import partial
from typing import Final

import structlog

from app.common import clock, queue
from app.common.db import reading, retry_transaction
from app.storage import maintenance
from app.storage import service as storage
from app.storage.models import RETENTION

_BATCH_SIZE: Final = 100

_log = structlog.get_logger()


def enqueue_removal() -> None:
    queue.enqueue_call(remove_unreferenced)


def enqueue_check() -> None:
    queue.enqueue_call(check_contents)


def remove_unreferenced() -> int:
    """Remove contents without a reference for a day, and interrupted uploads. Returns their number.

    In three steps: mark them, so that nothing can refer to them; remove them; record that they are
    gone. An upload of the same bytes in the meantime gets another row and another key, so that
    removing content late or twice does no harm.
    """
    removed = storage.current().delete_staged(before=clock.now() - RETENTION)

    def batch() -> int:
        nonlocal removed
        reviewed = retry_transaction(partial(maintenance.review, limit=_BATCH_SIZE))
        found = _remove_batch()
        removed += found
        return reviewed + found

    queue.until_done(batch)
    return removed


def _remove_batch() -> int:
    with reading() as session:
        found = maintenance.list_being_removed(session, limit=_BATCH_SIZE)
    for content in found:
        storage.current().delete(content.storage_key)
    content_ids = [content.id for content in found]
    retry_transaction(partial(maintenance.record_removed, content_ids=content_ids))
    return len(found)


def check_contents() -> int:
    """Check that contents in use are stored in their size. Returns their number.

    Their bytes are not read: verifying them is left to the disk or the bucket.
    """
    return queue.until_done(_check_batch)


def _check_batch() -> int:
    with reading() as session:
        found = maintenance.list_unchecked(session, limit=_BATCH_SIZE)
    is_stored = {
        content.id: storage.current().get_size(content.storage_key) == content.size
        for content in found
    }
    for content in found:
        if not is_stored[content.id]:
            _log.error("file missing", storage_key=content.storage_key, size=content.size)
    retry_transaction(partial(maintenance.record_checked, is_stored=is_stored))
    return len(found)
