"""SQL of the queue of webhook deliveries.

Whoever changes which deliveries are held back has locked the queue: `lock_queue`. Each statement
reads by index what is due, so that an endpoint with a long queue delays no other.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, send_rows
from app.common.driver import send, uuid_array
from app.webhooks.models import WebhookAttempt, WebhookEndpoint, WebhookSecret

#: Due deliveries of an endpoint that are looked at in a turn; those behind an open one are held.
_WINDOW: Final = 16

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('webhook-deliveries', 0))"

# The endpoints are found one after another in the index, however many deliveries each has.
_DUE: Final = """
    WITH RECURSIVE waiting AS (
        (SELECT endpoint_id FROM webhook_deliveries WHERE status = 'WAITING'
         ORDER BY endpoint_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.endpoint_id FROM webhook_deliveries d
                WHERE d.status = 'WAITING' AND d.endpoint_id > waiting.endpoint_id
                ORDER BY d.endpoint_id LIMIT 1)
        FROM waiting WHERE waiting.endpoint_id IS NOT NULL
    )
    SELECT e.id AS endpoint_id, e.is_proven, e.status = 'DISABLED' AS is_disabled,
        taken.number AS in_flight, due.id, due.next_attempt_at,
        EXISTS (
            SELECT FROM webhook_deliveries earlier
            WHERE earlier.endpoint_id = e.id AND earlier.aggregate_id = due.aggregate_id
                AND earlier.position < due.position AND earlier.status IN ('WAITING', 'HELD')
        ) AS is_behind
    FROM waiting
    JOIN webhook_endpoints e ON e.id = waiting.endpoint_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM webhook_deliveries d
        WHERE d.endpoint_id = e.id AND d.taken_at IS NOT NULL
            AND d.status = 'WAITING' AND d.next_attempt_at > %(now)s
    ) taken
    CROSS JOIN LATERAL (
        SELECT d.id, d.aggregate_id, d.position, d.next_attempt_at FROM webhook_deliveries d
        WHERE d.endpoint_id = e.id AND d.status = 'WAITING' AND d.next_attempt_at <= %(now)s
        ORDER BY d.next_attempt_at, d.position LIMIT %(window)s
    ) due
    WHERE e.status = 'DISABLED' OR (
        (e.paused_until IS NULL OR e.paused_until <= %(now)s)
        AND taken.number < CASE WHEN e.is_proven THEN %(concurrency)s ELSE 1 END)
    ORDER BY due.next_attempt_at, due.position
"""

# Other transactions may have changed what was found due. That is one condition, of which no index
# knows, so that PostgreSQL finds the rows by id and does not read everything that is due.
_TAKE: Final = """
    UPDATE webhook_deliveries d SET taken_at = greatest(%(now)s, d.created_at),
        next_attempt_at = %(until)s
    FROM webhook_endpoints e
    WHERE d.id = ANY(%(ids)s) AND e.id = d.endpoint_id
        AND CASE WHEN d.status = 'WAITING' THEN d.next_attempt_at <= %(now)s END
    RETURNING d.id, d.endpoint_id, d.aggregate_id, d.message_id, d.body, d.attempts, d.taken_at,
        e.url, e.is_proven
"""

_HOLD: Final = """
    UPDATE webhook_deliveries SET status = 'HELD', next_attempt_at = NULL, taken_at = NULL
    WHERE id = ANY(%(ids)s) AND CASE WHEN status = 'WAITING' THEN next_attempt_at <= %(now)s END
"""

_SKIP: Final = """
    UPDATE webhook_deliveries SET status = 'SKIPPED', next_attempt_at = NULL, taken_at = NULL,
        finished_at = greatest(%(now)s, created_at)
    WHERE id = ANY(%(ids)s) AND CASE WHEN status = 'WAITING' THEN next_attempt_at <= %(now)s END
    RETURNING endpoint_id, aggregate_id
"""

# Only by the process that has taken the delivery last.
_RECORD: Final = """
    UPDATE webhook_deliveries d
    SET status = new.status, attempts = new.attempts, next_attempt_at = new.next_attempt_at,
        taken_at = NULL,
        finished_at = CASE WHEN new.finished_at IS NOT NULL
            THEN greatest(new.finished_at, d.created_at) END
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (
        id uuid, status text, attempts bigint, next_attempt_at timestamptz, taken_at timestamptz,
        finished_at timestamptz)
    WHERE d.id = new.id AND d.taken_at = new.taken_at
    RETURNING d.id, d.endpoint_id, d.aggregate_id, d.status
"""

_RELEASE: Final = """
    UPDATE webhook_deliveries SET status = 'WAITING', next_attempt_at = %(now)s
    WHERE id IN (
        SELECT next.id
        FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (
            endpoint_id uuid, aggregate_id uuid)
        CROSS JOIN LATERAL (
            SELECT d.id, d.status FROM webhook_deliveries d
            WHERE d.endpoint_id = new.endpoint_id AND d.aggregate_id = new.aggregate_id
                AND d.status IN ('WAITING', 'HELD')
            ORDER BY d.position LIMIT 1
        ) next
        WHERE next.status = 'HELD'
    )
"""

_INSERT_ATTEMPTS: Final = BulkInsert(WebhookAttempt)


def lock_queue(session: Session) -> None:
    """Be the only one, until the transaction ends, who decides what is delivered next."""
    send(session, _LOCK)


def list_due(session: Session, *, concurrency: int, now: datetime) -> Sequence[Any]:
    """Due deliveries, longest due first, with what is known of their endpoint.

    concurrency: attempts at a time of a proven endpoint; those that have as many are left out.

    in_flight: attempts of the endpoint that have no outcome yet; is_behind: whether an earlier
    delivery of the same aggregate is open.
    """
    values = {"concurrency": concurrency, "window": _WINDOW, "now": now}
    return send(session, _DUE, values).fetchall()


def take(
    session: Session, ids: Collection[UUID], *, now: datetime, until: datetime
) -> Sequence[Any]:
    """Begin attempts, which are given up at `until`. Returns what is to be sent, and where."""
    values = {"ids": uuid_array(ids), "now": now, "until": until}
    return send(session, _TAKE, values).fetchall()


def hold(session: Session, ids: Collection[UUID], *, now: datetime) -> None:
    send(session, _HOLD, {"ids": uuid_array(ids), "now": now})


def skip(session: Session, ids: Collection[UUID], *, now: datetime) -> Sequence[Any]:
    """Returns the endpoint and the aggregate of each."""
    return send(session, _SKIP, {"ids": uuid_array(ids), "now": now}).fetchall()


def record(session: Session, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Record outcomes of attempts. Returns the deliveries whose attempt was not given up before."""
    return send_rows(session, _RECORD, rows).fetchall()


def insert_attempts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    _INSERT_ATTEMPTS.execute(session, rows)


def release_next(session: Session, finished: Sequence[Any], *, now: datetime) -> None:
    """Make due what waits behind finished deliveries. finished: endpoint and aggregate of each."""
    rows = [
        {"endpoint_id": endpoint_id, "aggregate_id": aggregate_id}
        for endpoint_id, aggregate_id in {(one.endpoint_id, one.aggregate_id) for one in finished}
    ]
    send_rows(session, _RELEASE, rows, now=now)


def lock_endpoints(session: Session, ids: Collection[UUID]) -> Sequence[WebhookEndpoint]:
    return session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.id.in_(ids))
        .order_by(WebhookEndpoint.id)
        .with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).all()


def list_secrets(
    session: Session, endpoint_ids: Collection[UUID], *, now: datetime
) -> Mapping[UUID, Sequence[WebhookSecret]]:
    """The valid secrets of endpoints, newest first."""
    found: dict[UUID, list[WebhookSecret]] = {each: [] for each in endpoint_ids}
    for secret in session.scalars(
        select(WebhookSecret)
        .where(
            WebhookSecret.endpoint_id.in_(endpoint_ids),
            (WebhookSecret.expires_at.is_(None)) | (WebhookSecret.expires_at > now),
        )
        .order_by(WebhookSecret.id.desc())
    ):
        found[secret.endpoint_id].append(secret)
    return found
