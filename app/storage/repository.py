"""SQL of stored contents."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    case,
    column,
    exists,
    func,
    or_,
    select,
    table,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.storage.models import FileContent

# Declared here, because modules above must not be imported.
_FILES: Final = table("product_files", column("content_id"), column("retired_at"))
_IMAGES: Final = table("images", column("id"), column("retired_at"))
_SIZES: Final = table("image_sizes", column("image_id"), column("content_id"))
#: Everything that refers to a content, and when it was retired.
REFERENCES: Final = union_all(
    select(_FILES.c.content_id, _FILES.c.retired_at),
    select(_SIZES.c.content_id, _IMAGES.c.retired_at).join(
        _IMAGES, _IMAGES.c.id == _SIZES.c.image_id
    ),
).subquery("reference")
_IS_CURRENT: Final[ColumnElement[bool]] = exists().where(
    REFERENCES.c.content_id == FileContent.id, REFERENCES.c.retired_at.is_(None)
)


def upsert_content(session: Session, **values: Any) -> FileContent:
    """The row of these bytes, inserted if there is none."""
    statement = (
        insert(FileContent)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["sha256"],
            index_where=FileContent.removing_at.is_(None),
            set_={
                "review_at": func.greatest(values["review_at"], FileContent.review_at),
                "missing_at": None,
            },
        )
        .returning(FileContent)
    )
    return session.scalars(statement, execution_options={"populate_existing": True}).one()


def postpone_review(session: Session, *, content_id: UUID, until: datetime) -> FileContent | None:
    """Postpone the removal of a content. None if it is being removed."""
    return session.scalars(
        update(FileContent)
        .where(FileContent.id == content_id, FileContent.removing_at.is_(None))
        .values(review_at=func.greatest(until, FileContent.review_at))
        .returning(FileContent),
        execution_options={"populate_existing": True},
    ).one_or_none()


def review(session: Session, *, now: datetime, retention: timedelta, limit: int) -> int:
    """Begin to remove the contents due for a review to which nothing has referred for `retention`.

    Returns the number of contents that were reviewed. A concurrent upload, or one that retires a
    reference, updates the same row, so one of the two waits for the other and sees it.
    """
    due = FileContent.review_at < now
    last_retired = (
        select(func.max(REFERENCES.c.retired_at))
        .where(REFERENCES.c.content_id == FileContent.id)
        .scalar_subquery()
    )
    is_kept = or_(
        _IS_CURRENT, func.coalesce(last_retired, FileContent.created_at) >= now - retention
    )
    found = select(FileContent.id).where(due).order_by(FileContent.review_at).limit(limit)
    reviewed: Any = session.execute(
        update(FileContent)
        .where(FileContent.id.in_(found.scalar_subquery()), due)
        .values(
            review_at=case((is_kept & ~_IS_CURRENT, now + retention)),
            removing_at=case((~is_kept, func.greatest(now, FileContent.created_at))),
        )
        .execution_options(synchronize_session=False)
    )
    return int(reviewed.rowcount)


def list_being_removed(session: Session, *, limit: int) -> Sequence[FileContent]:
    return session.scalars(
        select(FileContent)
        .where(FileContent.removing_at.is_not(None), FileContent.removed_at.is_(None))
        .limit(limit)
    ).all()


def record_removed(session: Session, *, content_ids: Sequence[UUID], now: datetime) -> None:
    session.execute(
        update(FileContent)
        .where(FileContent.id.in_(content_ids))
        .values(removed_at=func.greatest(now, FileContent.removing_at))
        .execution_options(synchronize_session=False)
    )


def list_unchecked(session: Session, *, before: datetime, limit: int) -> Sequence[FileContent]:
    """Contents with a current reference that were not checked since then."""
    checked_at = func.coalesce(FileContent.checked_at, FileContent.created_at)
    return session.scalars(
        select(FileContent)
        .where(FileContent.removing_at.is_(None), checked_at < before, _IS_CURRENT)
        .order_by(checked_at)
        .limit(limit)
    ).all()


def record_checked(
    session: Session, *, content_ids: Sequence[UUID], missing: Sequence[UUID], now: datetime
) -> None:
    checked_at = func.greatest(now, FileContent.created_at)
    for ids, missing_at in ((set(content_ids) - set(missing), None), (set(missing), checked_at)):
        session.execute(
            update(FileContent)
            .where(FileContent.id.in_(ids))
            .values(checked_at=checked_at, missing_at=missing_at)
            .execution_options(synchronize_session=False)
        )
