"""Removing unreferenced contents, and checking that the others are stored."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.storage import repository
from app.storage.models import RETENTION, FileContent

_CHECK_INTERVAL: Final = timedelta(days=1)


def review(session: Session, *, limit: int) -> int:
    """Begin to remove contents to which nothing refers. Returns how many were looked at.

    Nothing can refer to those that are to be removed after the commit.
    """
    return repository.review(session, now=clock.now(), retention=RETENTION, limit=limit)


def list_being_removed(session: Session, *, limit: int) -> Sequence[FileContent]:
    return repository.list_being_removed(session, limit=limit)


def record_removed(session: Session, *, content_ids: Sequence[UUID]) -> None:
    repository.record_removed(session, content_ids=content_ids, now=clock.now())


def list_unchecked(session: Session, *, limit: int) -> Sequence[FileContent]:
    """Contents with a current reference that were not checked for a day."""
    return repository.list_unchecked(session, before=clock.now() - _CHECK_INTERVAL, limit=limit)


def record_checked(session: Session, *, is_stored: Mapping[UUID, bool]) -> None:
    """is_stored: by content, whether it was found in its size."""
    repository.record_checked(
        session,
        content_ids=list(is_stored),
        missing=[content_id for content_id, stored in is_stored.items() if not stored],
        now=clock.now(),
    )
