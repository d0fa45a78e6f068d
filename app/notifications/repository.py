"""SQL of notifications."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.bulk import BulkInsert, Write, write
from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import lock_due, lock_row
from app.notifications.models import (
    Notification,
    NotificationPreference,
    OutgoingMessage,
)
from app.products.models import Product

_ONCE: Final = "ON CONFLICT (id) DO NOTHING"
_INSERT_NOTIFICATIONS: Final = BulkInsert(Notification, tail=_ONCE)
_INSERT_MESSAGES: Final = BulkInsert(OutgoingMessage, tail=_ONCE)

_REACHABLE: Final = """
    SELECT u.id, u.email IS NOT NULL AS has_email, u.phone IS NOT NULL AS has_phone,
        p.kind, p.channel, p.enabled
    FROM users u LEFT JOIN notification_preferences p ON p.user_id = u.id
    WHERE u.id = ANY(%(ids)s) AND u.is_active
"""


def list_reachable(session: Session, user_ids: Collection[UUID]) -> Iterable[Any]:
    """Active users, each once for every choice they have made, or once with None."""
    return send(session, _REACHABLE, {"ids": uuid_array(user_ids)})


def insert_notifications(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert notifications, except those that exist."""
    if rows:
        write(session, Write(_INSERT_NOTIFICATIONS, rows))


def insert_messages(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert messages, except those that exist."""
    if rows:
        write(session, Write(_INSERT_MESSAGES, rows))


# The feed


def list_notifications(
    session: Session, page: PageRequest, *, user_id: UUID, unread: bool | None
) -> Page[Notification]:
    """The user's notifications, newest first. unread: True for those only, False for the others."""
    query = select(Notification).where(Notification.user_id == user_id)
    if unread is not None:
        is_unread = Notification.read_at.is_(None)
        query = query.where(is_unread if unread else ~is_unread)
    return paginate(session, page, query, Notification.id)


def count_unread(session: Session, *, user_id: UUID, limit: int) -> int:
    """The number of unread notifications, up to `limit`."""
    unread = (
        select(Notification.id)
        .where(Notification.user_id == user_id, Notification.read_at.is_(None))
        .limit(limit)
    )
    return session.scalar(select(func.count()).select_from(unread.subquery())) or 0


def get_notification_for_update(session: Session, notification_id: UUID) -> Notification | None:
    return lock_row(session, Notification, notification_id)


def mark_all_read(session: Session, *, user_id: UUID, now: datetime) -> int:
    """Mark the user's unread notifications as read. Returns their number."""
    marked = session.execute(
        update(Notification)
        .where(Notification.user_id == user_id, Notification.read_at.is_(None))
        .values(read_at=func.greatest(now, Notification.created_at))
        .execution_options(synchronize_session=False)
    )
    return int(marked.rowcount)  # type: ignore[attr-defined]


def get_product_names(session: Session, product_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = session.execute(select(Product.id, Product.name).where(Product.id.in_(product_ids)))
    return {row.id: row.name for row in rows}


# Preferences


def list_choices(session: Session, user_id: UUID) -> Mapping[tuple[str, str], bool]:
    """What the user has chosen, by kind and channel."""
    rows = session.execute(
        select(
            NotificationPreference.kind,
            NotificationPreference.channel,
            NotificationPreference.enabled,
        ).where(NotificationPreference.user_id == user_id)
    )
    return {(row.kind, row.channel): row.enabled for row in rows}


def set_choice(
    session: Session, *, user_id: UUID, kind: str, channel: str, enabled: bool, now: datetime
) -> None:
    row = insert(NotificationPreference).values(
        user_id=user_id, kind=kind, channel=channel, enabled=enabled, updated_at=now
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["user_id", "kind", "channel"],
            set_={"enabled": enabled, "updated_at": now},
        )
    )


# Sending


def lock_due_messages(session: Session, *, now: datetime, limit: int) -> Sequence[OutgoingMessage]:
    """Lock messages that are due, except collected ones."""
    # As in the index, literally.
    is_open = text("status IN ('PENDING', 'SENDING')")
    return lock_due(session, OutgoingMessage.next_attempt_at, is_open, now=now, limit=limit)


def lock_message(session: Session, message_id: UUID) -> OutgoingMessage | None:
    return lock_row(session, OutgoingMessage, message_id)


def lock_messages(session: Session, message_ids: Sequence[UUID]) -> Sequence[OutgoingMessage]:
    return session.scalars(
        select(OutgoingMessage)
        .where(OutgoingMessage.id.in_(message_ids))
        .order_by(OutgoingMessage.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def get_user(session: Session, user_id: UUID) -> User | None:
    return session.get(User, user_id)


def lock_user(session: Session, user_id: UUID) -> User | None:
    return lock_row(session, User, user_id)


def count_sale_mails(
    session: Session, user_ids: Collection[UUID], *, since: UUID
) -> dict[UUID, int]:
    """The mails about single sales that each user was sent. since: ID of the first."""
    if not user_ids:
        return {}
    rows = session.execute(
        select(OutgoingMessage.user_id, func.count().label("sales"))
        .where(
            OutgoingMessage.user_id.in_(user_ids),
            OutgoingMessage.id >= since,
            text("topic = 'sale' AND channel = 'EMAIL' AND attempts > 0"),
        )
        .group_by(OutgoingMessage.user_id)
    )
    return {row.user_id: row.sales for row in rows}


def get_merchant_to_merge(session: Session, *, now: datetime) -> UUID | None:
    """A merchant whose collected sales are due."""
    return session.scalar(
        select(OutgoingMessage.user_id)
        .where(
            OutgoingMessage.next_attempt_at <= now,
            text("status = 'COLLECTED'"),
        )
        .order_by(OutgoingMessage.next_attempt_at)
        .limit(1)
    )


def list_collected(
    session: Session, *, user_id: UUID, now: datetime, limit: int
) -> Sequence[dict[str, Any]]:
    """The data of the user's first collected sales that are due."""
    return session.scalars(
        select(OutgoingMessage.data)
        .where(
            OutgoingMessage.user_id == user_id,
            text("status = 'COLLECTED'"),
            OutgoingMessage.next_attempt_at <= now,
        )
        .order_by(OutgoingMessage.id)
        .limit(limit)
    ).all()


_MERGE: Final = """
    WITH merged AS (
        UPDATE outgoing_messages
        SET status = 'MERGED', next_attempt_at = NULL, closed_at = greatest(%(now)s, created_at)
        WHERE user_id = %(user_id)s AND status = 'COLLECTED' AND next_attempt_at <= %(now)s
        RETURNING data, created_at
    )
    SELECT data ->> 'currency' AS currency, sum((data ->> 'amount')::bigint)::bigint AS amount,
        count(*) AS sales, min(created_at) AS since, max(created_at) AS until
    FROM merged GROUP BY 1 ORDER BY 1
"""


def merge_collected(session: Session, *, user_id: UUID, now: datetime) -> Sequence[Any]:
    """Close the user's collected sales that are due. Returns their sums by currency."""
    return list(send(session, _MERGE, {"user_id": user_id, "now": now}))


def list_backlog(session: Session) -> Sequence[Any]:
    """For each channel with `messages` to be sent, their number, and since when the first one is
    due (`due_at`)."""
    return session.execute(
        select(
            OutgoingMessage.channel,
            func.count().label("messages"),
            func.min(OutgoingMessage.next_attempt_at).label("due_at"),
        )
        .where(text("status IN ('PENDING', 'SENDING')"))
        .group_by(OutgoingMessage.channel)
    ).all()
