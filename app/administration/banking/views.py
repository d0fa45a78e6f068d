"""HTTP of payouts, on-ramps and inbound events, for administrators."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.administration.banking import service
from app.administration.banking.schemas import (
    AllOnrampsArgs,
    AllPayoutsArgs,
    ExportInboundEventsArgs,
    ExportOnrampsArgs,
    ExportPayoutsArgs,
    InboundEventList,
    InboundEventOut,
    InboundEventsArgs,
    OnrampRecordList,
    PayoutRecordList,
)
from app.administration.banking.service import EventRecord
from app.auth.admin_exports.http import exports, respond_with_export
from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.auth.schemas import ReasonIn
from app.common import queue
from app.common.db import after_commit, reading, transaction
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.replica import may_lag
from app.inbox import service as inbox
from app.inbox import tasks as inbox_tasks
from app.inbox.errors import (
    InboundEventNotFound,
    InboundEventNotQuarantined,
    InboundEventNotRetryable,
)
from app.inbox.models import InboundEvent, InboundEventStatus

admin_blp = Blueprint(
    "admin-banking", __name__, url_prefix="/admin", description="Payouts, on-ramps and their events"
)


@admin_blp.get("/payouts")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(AllPayoutsArgs, location="query")
@admin_blp.response(200, PayoutRecordList)
@may_lag
def list_all_payouts(args: dict[str, Any]) -> Any:
    """List all payouts

    Newest first. Numbers of bank accounts are masked, as for their owners. `quarantined` lists the
    bank's reports that contradict our record, with the reason and what to do.
    """
    with reading() as session:
        current_admin(session)
        return service.list_payouts(session, **args)


@exports(admin_blp, "/payouts/export", ExportPayoutsArgs, cells=service.EXPORTED_PAYOUTS)
def export_all_payouts(args: dict[str, Any]) -> Response:
    """Export all payouts as CSV

    Returns all payouts of the list, newest first. Times are in UTC. The audit log records who has
    exported them, with which filters (`payout.export`).
    """
    return respond_with_export("payout", service.export_payouts, service.EXPORTED_PAYOUTS, **args)


@admin_blp.get("/on-ramps")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(AllOnrampsArgs, location="query")
@admin_blp.response(200, OnrampRecordList)
@may_lag
def list_all_onramps(args: dict[str, Any]) -> Any:
    """List all on-ramps

    Newest first. `quarantined` lists the reports of the bank that contradict our record, with the
    reason and what to do; `quarantined=true` returns only on-ramps that have some.
    """
    with reading() as session:
        current_admin(session)
        return service.list_onramps(session, **args)


@exports(admin_blp, "/on-ramps/export", ExportOnrampsArgs, cells=service.EXPORTED_ONRAMPS)
def export_all_onramps(args: dict[str, Any]) -> Response:
    """Export all on-ramps as CSV

    Returns all on-ramps of the list, newest first. Times are in UTC. The audit log records who has
    exported them, with which filters (`on-ramp.export`).
    """
    return respond_with_export("on-ramp", service.export_onramps, service.EXPORTED_ONRAMPS, **args)


@admin_blp.get("/inbound-events")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(InboundEventsArgs, location="query")
@admin_blp.response(200, InboundEventList)
def list_inbound_events(args: dict[str, Any]) -> Any:
    """List inbound events

    What banks and the payment gateway have reported, newest first. With `status=QUARANTINED`, those
    that contradict our record and had no effect, with the reason and what to do.
    """
    with reading() as session:
        current_admin(session)
        return service.list_events(session, **args)


@exports(
    admin_blp, "/inbound-events/export", ExportInboundEventsArgs, cells=service.EXPORTED_EVENTS
)
def export_inbound_events(args: dict[str, Any]) -> Response:
    """Export inbound events as CSV

    Returns all events of the list, newest first. Times are in UTC. The audit log records who has
    exported them, with which filters (`inbound-event.export`).
    """
    return respond_with_export(
        "inbound-event", service.export_events, service.EXPORTED_EVENTS, **args
    )


@admin_blp.post("/inbound-events/<uuid:event_id>/retry")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(200, InboundEventOut)
@admin_blp.errors(InboundEventNotFound, InboundEventNotQuarantined, InboundEventNotRetryable)
@requires_admin_code(admin_blp)
def retry_inbound_event(body: dict[str, Any], event_id: UUID) -> EventRecord:
    """Retry a quarantined event

    For an event with `canRetry`, once the cause is fixed. It is handled again shortly after, with
    all checks, and may be quarantined again.
    """
    return _settle(inbox.retry, event_id, **body)


@admin_blp.post("/inbound-events/<uuid:event_id>/dismiss")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(200, InboundEventOut)
@admin_blp.errors(InboundEventNotFound, InboundEventNotQuarantined)
@requires_admin_code(admin_blp)
def dismiss_inbound_event(body: dict[str, Any], event_id: UUID) -> EventRecord:
    """Dismiss a quarantined event

    Records that it has been dealt with outside of this system, as its `advice` says. It moves no
    money, and cannot be undone. `reason` says what was done; it is in the audit log.
    """
    return _settle(inbox.dismiss, event_id, **body)


def _settle(settle: Callable[..., InboundEvent], event_id: UUID, *, reason: str) -> EventRecord:
    """Call one of `inbox` on behalf of the caller."""
    with transaction() as session:
        actor = current_admin(session)
        event = settle(session, actor_id=actor.id, event_id=event_id, reason=reason)
        confirm_admin_code(session)
        if event.status == InboundEventStatus.RECEIVED:
            after_commit(session, partial(queue.enqueue, inbox_tasks.handle, str(event.id)))
        return service.records_of(session, [event])[0]
