"""Jobs of uploads in parts. They are idempotent, and one that is lost does no harm: what remains is
deleted with other interrupted uploads."""

from uuid import UUID

from app.common.db import reading
from app.delivery.files.uploads import repository
from app.storage import service as storage


def delete_parts(upload_id: str) -> int:
    """Delete the stored parts of an upload that has ended. Returns their number."""
    with reading() as session:
        parts = repository.list_parts(session, upload_id=UUID(upload_id))
    for part in parts:
        storage.current().delete(part.storage_key)
    return len(parts)
