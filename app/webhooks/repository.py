"""SQL of webhook endpoints, and of what their merchants see of deliveries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert
from app.common.driver import send
from app.common.ids import first_id
from app.common.pagination import MAX_COUNT, Page, PageRequest, paginate
from app.common.rows import insert_row
from app.webhooks.models import (
    OPEN,
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookReplay,
    WebhookSecret,
)

_INSERT_DELIVERIES: Final = BulkInsert(
    WebhookDelivery,
    omit=("position",),
    # An event that is handled again has no other effect.
    tail="ON CONFLICT (endpoint_id, message_id) DO NOTHING",
)

#: How far the time in an id may be from that of its row.
_MARGIN: Final = timedelta(days=1)

# Endpoints


def insert_endpoint(session: Session, **values: Any) -> WebhookEndpoint:
    return insert_row(session, WebhookEndpoint(**values))


def get_endpoint(
    session: Session, *, endpoint_id: UUID, merchant_id: UUID | None = None, lock: bool = False
) -> WebhookEndpoint | None:
    """An endpoint that was not deleted. merchant_id: only of this merchant; lock: lock it."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.deleted_at.is_(None)
    )
    if merchant_id is not None:
        query = query.where(WebhookEndpoint.merchant_id == merchant_id)
    if lock:
        query = query.with_for_update(key_share=True)
    return session.scalar(query, execution_options={"populate_existing": True})


def list_endpoints(
    session: Session, page: PageRequest, *, merchant_id: UUID
) -> Page[WebhookEndpoint]:
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.merchant_id == merchant_id, WebhookEndpoint.deleted_at.is_(None)
    )
    return paginate(session, page, query, WebhookEndpoint.id)


def count_endpoints(session: Session, *, merchant_id: UUID, limit: int | None) -> int:
    found = (
        select(WebhookEndpoint.id)
        .where(WebhookEndpoint.merchant_id == merchant_id, WebhookEndpoint.deleted_at.is_(None))
        .limit(limit)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(found)) or 0


def list_endpoints_of(session: Session, merchant_ids: Collection[UUID]) -> Sequence[Any]:
    """What is needed to record deliveries, for every endpoint of these merchants."""
    return session.execute(
        select(
            WebhookEndpoint.id,
            WebhookEndpoint.merchant_id,
            WebhookEndpoint.event_types,
            WebhookEndpoint.is_thin,
            WebhookEndpoint.status,
        ).where(WebhookEndpoint.merchant_id.in_(merchant_ids), WebhookEndpoint.deleted_at.is_(None))
    ).all()


# Secrets


def insert_secret(session: Session, **values: Any) -> WebhookSecret:
    return insert_row(session, WebhookSecret(**values))


def list_secrets(session: Session, endpoint_id: UUID, *, now: datetime) -> Sequence[WebhookSecret]:
    """The valid secrets of an endpoint, oldest first."""
    return session.scalars(
        select(WebhookSecret)
        .where(WebhookSecret.endpoint_id == endpoint_id, _is_valid(now))
        .order_by(WebhookSecret.id)
    ).all()


def expire_secrets(session: Session, endpoint_id: UUID, *, at: datetime) -> None:
    """End the current secret at that time, and others no later than before."""
    session.execute(
        update(WebhookSecret)
        .where(WebhookSecret.endpoint_id == endpoint_id, WebhookSecret.expires_at.is_(None))
        .values(expires_at=at),
        execution_options={"synchronize_session": False},
    )


def delete_secrets(session: Session, endpoint_id: UUID, *, expired_by: datetime | None) -> None:
    """Delete the secrets that have expired by then, or all of them."""
    statement = delete(WebhookSecret).where(WebhookSecret.endpoint_id == endpoint_id)
    if expired_by is not None:
        statement = statement.where(WebhookSecret.expires_at <= expired_by)
    session.execute(statement, execution_options={"synchronize_session": False})


def _is_valid(now: datetime) -> ColumnElement[bool]:
    return or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > now)


# Deliveries


def insert_deliveries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    _INSERT_DELIVERIES.execute(session, rows)


def get_delivery(
    session: Session, *, endpoint_id: UUID, delivery_id: UUID
) -> WebhookDelivery | None:
    return session.scalar(
        select(WebhookDelivery).where(
            WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id
        ),
        execution_options={"populate_existing": True},
    )


def list_deliveries(
    session: Session,
    page: PageRequest,
    *,
    endpoint_id: UUID,
    status: str | None,
    event_type: str | None,
    object_id: UUID | None,
) -> Page[WebhookDelivery]:
    """Deliveries to an endpoint, newest first. object_id: only events of this aggregate."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    if event_type is not None:
        query = query.where(WebhookDelivery.type == event_type)
    if object_id is not None:
        query = query.where(WebhookDelivery.aggregate_id == object_id)
    return paginate(session, page, query, WebhookDelivery.id)


def list_attempts(session: Session, page: PageRequest, *, delivery_id: UUID) -> Page[Any]:
    """The attempts of a delivery, newest first."""
    query = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id)
    return paginate(session, page, query, WebhookAttempt.id)


# Replays


def insert_replay(session: Session, **values: Any) -> WebhookReplay:
    return insert_row(session, WebhookReplay(**values))


def get_replay(session: Session, *, endpoint_id: UUID, replay_id: UUID) -> WebhookReplay | None:
    return session.scalar(
        select(WebhookReplay).where(
            WebhookReplay.id == replay_id, WebhookReplay.endpoint_id == endpoint_id
        )
    )


def list_replays(session: Session, page: PageRequest, *, endpoint_id: UUID) -> Page[Any]:
    """The replays of an endpoint, newest first."""
    query = select(WebhookReplay).where(WebhookReplay.endpoint_id == endpoint_id)
    return paginate(session, page, query, WebhookReplay.id)


def has_open_replay(session: Session, endpoint_id: UUID) -> bool:
    query = select(WebhookReplay.id).where(
        WebhookReplay.endpoint_id == endpoint_id, WebhookReplay.queued_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def lock_open_replay(session: Session, replay_id: UUID) -> WebhookReplay | None:
    """Lock a replay whose deliveries have not all been queued, unless another has locked it."""
    return session.scalar(
        select(WebhookReplay)
        .where(WebhookReplay.id == replay_id, WebhookReplay.queued_at.is_(None))
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    )


def list_open_replays(session: Session, *, limit: int) -> Sequence[UUID]:
    return session.scalars(
        select(WebhookReplay.id)
        .where(WebhookReplay.queued_at.is_(None))
        .order_by(WebhookReplay.id)
        .limit(limit)
    ).all()


def count_by_status(session: Session, replay_ids: Collection[UUID]) -> Mapping[UUID, Any]:
    """For each replay, the number of its deliveries by status."""
    found: dict[UUID, dict[str, int]] = {each: {} for each in replay_ids}
    for replay_id, status, number in session.execute(
        select(WebhookDelivery.replay_id, WebhookDelivery.status, func.count())
        .where(WebhookDelivery.replay_id.in_(replay_ids))
        .group_by(WebhookDelivery.replay_id, WebhookDelivery.status)
    ):
        found[replay_id][status] = number  # type: ignore[index]
    return found


def replay_selection(
    session: Session, *, endpoint_id: UUID, delivery_ids: Collection[UUID], **to: Any
) -> int:
    """Queue these deliveries again. Returns their number, without those that are in progress."""
    return _requeue(
        session,
        WebhookDelivery.endpoint_id == endpoint_id,
        WebhookDelivery.id.in_(delivery_ids),
        **to,
    )


def list_of_period(
    session: Session, replay: WebhookReplay, *, limit: int, starts_at: datetime, ends_at: datetime
) -> Sequence[UUID]:
    """The next finished deliveries of a replay's period, oldest first."""
    ends_at = min(ends_at, replay.created_at)
    # An id has the time of the host that made it, which may have another clock.
    after = replay.after_id or first_id(starts_at, shift=-_MARGIN)
    query = select(WebhookDelivery.id).where(
        WebhookDelivery.endpoint_id == replay.endpoint_id,
        WebhookDelivery.id > after,
        WebhookDelivery.id < first_id(ends_at, shift=_MARGIN),
        WebhookDelivery.created_at >= starts_at,
        WebhookDelivery.created_at < ends_at,
        WebhookDelivery.status.not_in(OPEN),
    )
    if replay.delivery_status is not None:
        query = query.where(WebhookDelivery.status == replay.delivery_status)
    return session.scalars(query.order_by(WebhookDelivery.id).limit(limit)).all()


def _requeue(session: Session, *where: ColumnElement[bool], replay_id: UUID, now: datetime) -> int:
    changed = session.execute(
        update(WebhookDelivery)
        .where(
            *where,
            WebhookDelivery.status != DeliveryStatus.HELD,
            WebhookDelivery.taken_at.is_(None),
        )
        .values(
            status=DeliveryStatus.WAITING.value,
            attempts=0,
            next_attempt_at=now,
            finished_at=None,
            replay_id=replay_id,
        )
        .returning(WebhookDelivery.id),
        execution_options={"synchronize_session": False},
    )
    return len(changed.all())


# An index scan for each endpoint that is delivered to; the number of deliveries is capped.
_BACKLOG: Final = """
    SELECT count(*) FILTER (WHERE e.failures = 0) AS answering,
        count(*) FILTER (WHERE e.failures > 0) AS failing,
        min(due.next_attempt_at) FILTER (
            WHERE e.paused_until IS NULL OR e.paused_until < %(now)s) AS due_since,
        (
            SELECT count(*) FROM (
                SELECT FROM webhook_deliveries d WHERE d.status = 'WAITING' LIMIT %(limit)s
            ) waiting
        ) AS waiting
    FROM webhook_endpoints e
    LEFT JOIN LATERAL (
        SELECT d.next_attempt_at FROM webhook_deliveries d
        WHERE d.endpoint_id = e.id AND d.status = 'WAITING' ORDER BY d.next_attempt_at LIMIT 1
    ) due ON true
    WHERE e.status = 'ENABLED' AND e.deleted_at IS NULL
"""


def get_backlog(session: Session, *, now: datetime) -> Any:
    """How many enabled endpoints are answering and failing, how many deliveries are waiting (at
    most MAX_COUNT), and since when the longest has been due; None if none is waiting."""
    return send(session, _BACKLOG, {"now": now, "limit": MAX_COUNT}).fetchone()
