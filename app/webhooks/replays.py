"""Replays: deliver again what was delivered, skipped or has failed, with the same message id.

The deliveries of a period may be many, so a job queues them in parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.errors import BadRequest
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.webhooks import repository, service
from app.webhooks.errors import (
    WebhookDeliveryNotFound,
    WebhookReplayNotFound,
    WebhookReplayRunning,
)
from app.webhooks.models import DeliveryStatus, WebhookReplay

_BATCH_SIZE: Final = 500


class ReplayStatus(StrEnum):
    """RUNNING until all of its deliveries have ended."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Progress:
    """A replay and what became of its deliveries. waiting: not ended yet; a delivery that was
    replayed again since counts as delivered."""

    replay: WebhookReplay
    waiting: int
    failed: int

    @property
    def delivered(self) -> int:
        return self.replay.total - self.waiting - self.failed

    @property
    def status(self) -> ReplayStatus:
        is_completed = self.replay.queued_at is not None and self.waiting == 0
        return ReplayStatus.COMPLETED if is_completed else ReplayStatus.RUNNING


def create_replay(
    session: Session,
    *,
    merchant: User,
    endpoint_id: UUID,
    delivery_ids: Sequence[UUID] | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    status: str | None = None,
) -> Progress:
    """Replay a selection of deliveries, or those that were recorded in a period.

    status: only those with this one. Raises WebhookEndpointNotFound, WebhookEndpointInactive,
    WebhookDeliveryNotFound, WebhookReplayRunning, and BadRequest unless it is one of both.
    """
    endpoint = service.require_enabled(session, merchant=merchant, endpoint_id=endpoint_id)
    now = clock.now()
    if (delivery_ids is None) == (starts_at is None):
        raise BadRequest(details={"deliveryIds": ["Send either `deliveryIds` or `from`."]})
    if delivery_ids is not None:
        return _replay_selection(session, endpoint.id, delivery_ids, now=now)
    if starts_at is None or starts_at >= (ends_at or now):
        raise BadRequest(details={"from": ["Must be before the end of the period."]})
    if repository.has_open_replay(session, endpoint.id):
        raise WebhookReplayRunning
    replay = repository.insert_replay(
        session,
        id=new_id(),
        endpoint_id=endpoint.id,
        starts_at=starts_at,
        ends_at=min(ends_at or now, now),
        delivery_status=status,
        total=0,
        created_at=now,
    )
    return Progress(replay, waiting=0, failed=0)


def require_replay(
    session: Session, *, merchant: User, endpoint_id: UUID, replay_id: UUID
) -> Progress:
    """Raises WebhookEndpointNotFound, WebhookReplayNotFound."""
    service.require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id)
    replay = repository.get_replay(session, endpoint_id=endpoint_id, replay_id=replay_id)
    if replay is None:
        raise WebhookReplayNotFound
    return _progress(replay, repository.count_by_status(session, [replay.id])[replay.id])


def list_replays(
    session: Session, page: PageRequest, *, merchant: User, endpoint_id: UUID
) -> Page[Progress]:
    """The replays of the merchant's endpoint, newest first. Raises WebhookEndpointNotFound."""
    service.require_endpoint(session, merchant=merchant, endpoint_id=endpoint_id)
    found = repository.list_replays(session, page, endpoint_id=endpoint_id)
    counts = repository.count_by_status(session, [replay.id for replay in found.data])
    return found.with_data(_progress(replay, counts[replay.id]) for replay in found.data)


def queue_batch(session: Session, *, replay_id: UUID) -> int:
    """Queue the next deliveries of a replay. Returns their number, 0 once all are queued."""
    replay = repository.lock_open_replay(session, replay_id)
    if replay is None or replay.starts_at is None or replay.ends_at is None:
        return 0
    ids = repository.list_of_period(
        session, replay, limit=_BATCH_SIZE, starts_at=replay.starts_at, ends_at=replay.ends_at
    )
    now = clock.now()
    replay.total += repository.replay_selection(
        session, endpoint_id=replay.endpoint_id, delivery_ids=ids, replay_id=replay.id, now=now
    )
    if len(ids) < _BATCH_SIZE:
        replay.queued_at = now
        return 0
    replay.after_id = ids[-1]
    return len(ids)


def list_open(session: Session) -> Sequence[UUID]:
    """Replays whose deliveries have not all been queued."""
    return repository.list_open_replays(session, limit=_BATCH_SIZE)


def _replay_selection(
    session: Session, endpoint_id: UUID, delivery_ids: Sequence[UUID], *, now: datetime
) -> Progress:
    for delivery_id in delivery_ids:
        if not repository.get_delivery(session, endpoint_id=endpoint_id, delivery_id=delivery_id):
            raise WebhookDeliveryNotFound
    replay = repository.insert_replay(
        session, id=new_id(), endpoint_id=endpoint_id, total=0, created_at=now
    )
    replay.total = repository.replay_selection(
        session, endpoint_id=endpoint_id, delivery_ids=delivery_ids, replay_id=replay.id, now=now
    )
    replay.queued_at = now
    return Progress(replay, waiting=replay.total, failed=0)


def _progress(replay: WebhookReplay, counts: Mapping[str, int]) -> Progress:
    waiting = counts.get(DeliveryStatus.WAITING, 0) + counts.get(DeliveryStatus.HELD, 0)
    failed = counts.get(DeliveryStatus.FAILED, 0) + counts.get(DeliveryStatus.SKIPPED, 0)
    return Progress(replay, waiting=waiting, failed=failed)
