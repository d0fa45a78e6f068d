"""HTTP of held events and sinks, for administrators."""

from typing import Any
from uuid import UUID

from flask import Response

from app.administration.events import service
from app.administration.events.schemas import (
    EventSinkList,
    ExportHeldEventsArgs,
    HeldEventList,
    HeldEventOut,
    HeldEventsArgs,
    SettleHeldEventIn,
)
from app.auth.admin_exports.http import exports, respond_with_export
from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.openapi import path_parameter
from app.common.pagination import PageArgs
from app.events.relay import management
from app.events.relay.errors import (
    EventSinkInUse,
    EventSinkNotFound,
    HeldEventNotFirst,
    HeldEventNotFound,
)
from app.events.relay.management import HeldRecord

admin_blp = Blueprint(
    "admin-events", __name__, url_prefix="/admin", description="Events that were not delivered"
)


@admin_blp.get("/events")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(HeldEventsArgs, location="query")
@admin_blp.response(200, HeldEventList)
def list_held_events(args: dict[str, Any]) -> Any:
    """List events that could not be delivered

    Those that failed, and those that wait for them, by sink and in the order in which they were
    recorded. They leave the list when they are delivered or skipped. Their data is not shown;
    `aggregateId` leads to the record.
    """
    with reading() as session:
        current_admin(session)
        return management.list_held(session, **args)


@exports(admin_blp, "/events/export", ExportHeldEventsArgs, cells=service.EXPORTED)
def export_held_events(args: dict[str, Any]) -> Response:
    """Export events that could not be delivered as CSV

    Returns all events of the list, in its order. Times are in UTC. The audit log records who has
    exported them, with which filters (`held-event.export`).
    """
    return respond_with_export("held-event", service.export_held, service.EXPORTED, **args)


@admin_blp.post("/events/<uuid:held_event_id>/retry")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(SettleHeldEventIn)
@idempotent(admin_blp)
@admin_blp.response(200, HeldEventOut)
@admin_blp.errors(HeldEventNotFound, HeldEventNotFirst)
@requires_admin_code(admin_blp)
def retry_held_event(body: dict[str, Any], held_event_id: UUID) -> HeldRecord:
    """Retry an event that could not be delivered

    Once the cause is fixed. It is tried within a second or two, as often as a new one, and then the
    events that wait for it.
    """
    with transaction() as session:
        actor = current_admin(session)
        record = service.retry(session, actor_id=actor.id, event_id=held_event_id, **body)
        confirm_admin_code(session)
        return record


@admin_blp.post("/events/<uuid:held_event_id>/skip")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(SettleHeldEventIn)
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(HeldEventNotFound, HeldEventNotFirst)
@requires_admin_code(admin_blp)
def skip_held_event(body: dict[str, Any], held_event_id: UUID) -> None:
    """Skip an event that could not be delivered

    This sink never receives it, which cannot be undone; the events that wait for it are tried
    within a second or two. Other sinks are not concerned.
    """
    with transaction() as session:
        actor = current_admin(session)
        service.skip(session, actor_id=actor.id, event_id=held_event_id, **body)
        confirm_admin_code(session)


@admin_blp.get("/event-sinks")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(PageArgs, location="query")
@admin_blp.response(200, EventSinkList)
def list_event_sinks(args: dict[str, Any]) -> Any:
    """List the sinks of events

    By name: what receives events, how far each has come, and what keeps it from receiving them.
    """
    with reading() as session:
        current_admin(session)
        return management.list_sinks(session, **args)


@admin_blp.delete(
    "/event-sinks/<sink_name>", parameters=[path_parameter("sink_name", "Name of the sink")]
)
@requires(admin_blp, Role.ADMIN)
@idempotent(admin_blp)
@admin_blp.response(204)
@admin_blp.errors(EventSinkNotFound, EventSinkInUse)
@requires_admin_code(admin_blp)
def delete_event_sink(sink_name: str) -> None:
    """Delete a sink of events

    One that is no longer configured: events are kept for it, and it is reported as behind. What it
    has not received is lost to it. Refused while a relay delivers to it.
    """
    with transaction() as session:
        actor = current_admin(session)
        service.delete_sink(session, actor_id=actor.id, name=sink_name)
        confirm_admin_code(session)
