"""Contents that nobody needs any more, and contents that should be there."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.delivery.files import repository
from app.delivery.files.models import FileContent

#: How long what no file offers any more is kept: longer than any link to it is valid, and longer
#: than anybody takes from the last byte of an upload to the row that names it.
KEPT_FOR: Final = timedelta(days=1)
_LOOKED_AT_EVERY: Final = timedelta(days=1)


def unneeded(session: Session, *, limit: int) -> Sequence[FileContent]:
    """Contents to remove from the storage. From when this is committed nothing can name them."""
    now = clock.now()
    repository.mark_unneeded(session, before=now - KEPT_FOR, now=now, limit=limit)
    return repository.being_removed(session, limit=limit)


def note_removed(session: Session, *, content_ids: Sequence[UUID]) -> None:
    repository.note_removed(session, content_ids=content_ids, now=clock.now())


def unchecked(session: Session, *, limit: int) -> Sequence[FileContent]:
    """Contents of what is sold, at which nobody has looked for a day."""
    return repository.take_unchecked(session, before=clock.now() - _LOOKED_AT_EVERY, limit=limit)


def note_checked(session: Session, *, found: Mapping[UUID, bool]) -> None:
    """found: whether each content was there as it should be."""
    repository.note_checked(
        session,
        content_ids=list(found),
        missing=[content_id for content_id, is_there in found.items() if not is_there],
        now=clock.now(),
    )
