"""HTTP of notifications: the feed, preferences, and the page that unsubscribes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, requires
from app.common.db import reading, transaction
from app.common.http import Blueprint, json_response
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.linked_pages import page_blueprint, respond
from app.common.ratelimit import per_address, per_caller
from app.common.replica import may_lag
from app.notifications import links, service
from app.notifications.errors import (
    NotificationNotFound,
    NotificationRequired,
    UnsubscribeLinkInvalid,
)
from app.notifications.schemas import (
    NotificationList,
    NotificationListArgs,
    NotificationOut,
    NotificationPreferencesOut,
    SetNotificationPreferencesIn,
    UnreadCountOut,
    choices_of,
    notification_out,
    preference_out,
)
from app.notifications.service import Preference

blp = Blueprint(
    "notifications", __name__, url_prefix="/notifications", description="The caller's notifications"
)
page_blp = page_blueprint("unsubscribe", __name__, links.PATH)


@blp.get("")
@requires(blp)
@blp.arguments(NotificationListArgs, location="query")
@blp.response(200, NotificationList)
@may_lag
def list_notifications(args: dict[str, Any]) -> Response:
    """List notifications

    The newest first. `cursor` reads on from the last one, whatever has arrived meanwhile.
    """
    with reading() as session:
        found = service.list_notifications(session, user=current_user(session), **args)
    return json_response(dump_json(found.serialized(notification_out)))


@blp.get("/unread-count")
@requires(blp)
@blp.response(200, UnreadCountOut)
def get_unread_count() -> dict[str, int]:
    """Count unread notifications

    For the number beside the bell: cheap enough to be polled.
    """
    with reading() as session:
        return {"unread": service.count_unread(session, user_id=current_user(session).id)}


@blp.post("/<uuid:notification_id>/read")
@requires(blp)
@idempotent(blp)
@blp.response(200, NotificationOut)
@blp.errors(NotificationNotFound)
@per_caller("600/minute")
def mark_notification_read(notification_id: UUID) -> Response:
    """Mark a notification as read

    Has no effect if it was read before.
    """
    with transaction() as session:
        written = service.mark_read(
            session, user=current_user(session), notification_id=notification_id
        )
    return json_response(dump_json(notification_out(written)))


@blp.post("/read")
@requires(blp)
@idempotent(blp)
@blp.response(200, UnreadCountOut)
@per_caller("60/minute")
def mark_all_notifications_read() -> dict[str, int]:
    """Mark all notifications as read

    Returns how many are unread afterwards: none, unless one has just arrived.
    """
    with transaction() as session:
        user = current_user(session)
        service.mark_all_read(session, user_id=user.id)
        return {"unread": service.count_unread(session, user_id=user.id)}


@blp.get("/preferences")
@requires(blp)
@blp.response(200, NotificationPreferencesOut)
def get_notification_preferences() -> Response:
    """Get notification preferences

    Every kind of notification, and through which channels the caller receives it.
    """
    with reading() as session:
        return _preferences(service.list_preferences(session, user_id=current_user(session).id))


@blp.put("/preferences")
@requires(blp)
@blp.arguments(SetNotificationPreferencesIn)
@idempotent(blp)
@blp.response(200, NotificationPreferencesOut)
@blp.errors(NotificationRequired)
@per_caller("60/minute")
def set_notification_preferences(body: dict[str, Any]) -> Response:
    """Set notification preferences

    Kinds and channels that are left out keep their value. Notices about the security of the
    account cannot be switched off in the feed or by e-mail.
    """
    with transaction() as session:
        return _preferences(
            service.set_preferences(
                session, user_id=current_user(session).id, choices=choices_of(body)
            )
        )


def _preferences(preferences: Sequence[Preference]) -> Response:
    return json_response(dump_json({"preferences": [preference_out(each) for each in preferences]}))


@page_blp.get("/<unsubscribe_token>")
def page(unsubscribe_token: str) -> Response:
    """The page that a mail links to. Nothing happens yet, because mail scanners follow links."""
    try:
        subscription = service.require_subscription(unsubscribe_token)
    except UnsubscribeLinkInvalid:
        return respond("notifications/invalid.html", 404)
    about = service.MEANINGS[subscription.kind]
    return respond("notifications/unsubscribe.html", about=about, is_done=False)


@page_blp.post("/<unsubscribe_token>")
@per_address("300/minute")
def unsubscribe(unsubscribe_token: str) -> Response:
    """Unsubscribe: the form of the page, or the one click of a mail program (RFC 8058)."""
    try:
        subscription = service.require_subscription(unsubscribe_token)
        with transaction() as session:
            service.unsubscribe(session, subscription)
    except UnsubscribeLinkInvalid:
        return respond("notifications/invalid.html", 404)
    about = service.MEANINGS[subscription.kind]
    return respond("notifications/unsubscribe.html", about=about, is_done=True)
