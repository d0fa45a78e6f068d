"""Jobs of uploads in parts. They are idempotent, and one that is lost does no harm: what remains is
deleted with other interrupted uploads."""

from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import queue
from app.common.db import after_commit, reading
from app.delivery.files.uploads import repository
from app.storage import service as storage


def enqueue_deletion(session: Session, upload_id: UUID) -> None:
    """Enqueue `delete_parts` once the transaction of `session` is committed."""
    after_commit(session, partial(queue.enqueue_call, delete_parts, upload_id))


def delete_parts(upload_id: UUID) -> int:
    """Delete the stored parts of an upload that has ended. Returns their number."""
    with reading() as session:
        parts = repository.list_parts(session, upload_id=upload_id)
    for part in parts:
        storage.current().delete(part.storage_key)
    return len(parts)
