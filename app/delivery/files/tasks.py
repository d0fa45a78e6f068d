"""Jobs of files. Each is safe to run twice, and at the same time.

They ask the storage, which may be far away, so the scheduled ones only send the others to the
queue of those who call somebody outside.
"""

from functools import partial
from typing import Final

import structlog

from app.common import clock, queue
from app.common.db import reading, retry_transaction
from app.delivery.files import storage, upkeep

_AT_ONCE: Final = 100

_log = structlog.get_logger()


def clean_up() -> None:
    """Have contents removed that nobody needs."""
    queue.enqueue_call(remove_unneeded)


def look_after() -> None:
    """Have somebody look whether everything that is sold is there."""
    queue.enqueue_call(check_contents)


def remove_unneeded() -> int:
    """Remove contents that no file has named for a day, and uploads that broke off; how many.

    In three steps: they are marked, so that nobody names them any more; removed; and noted as
    gone. Whoever uploads the same bytes meanwhile gets another row and another place, so it does
    no harm to remove one late or twice.
    """
    forgotten = storage.current().forget_drafts(before=clock.now() - upkeep.KEPT_FOR)
    return forgotten + queue.until_done(_remove_some)


def _remove_some() -> int:
    found = retry_transaction(partial(upkeep.unneeded, limit=_AT_ONCE))
    for content in found:
        storage.current().delete(content.place)
    content_ids = [content.id for content in found]
    retry_transaction(partial(upkeep.note_removed, content_ids=content_ids))
    return len(found)


def check_contents() -> int:
    """Look whether contents that are sold are stored in their size; at how many it looked.

    Their bytes are not read: that takes a check of the disk, or of the bucket.
    """
    return queue.until_done(_check_some)


def _check_some() -> int:
    with reading() as session:
        found = upkeep.unchecked(session, limit=_AT_ONCE)
    there = {
        content.id: storage.current().size_of(content.place) == content.size for content in found
    }
    for content in found:
        if not there[content.id]:
            _log.error("file missing", place=content.place, size=content.size)
    retry_transaction(partial(upkeep.note_checked, found=there))
    return len(found)
