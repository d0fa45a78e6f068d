"""The feed of a user, and what the user wants to be notified of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.pagination import MAX_COUNT, Page, PageRequest
from app.notifications import links, repository
from app.notifications.channels import REQUIRED, is_enabled
from app.notifications.errors import (
    NotificationNotFound,
    NotificationRequired,
    UnsubscribeLinkInvalid,
)
from app.notifications.links import Subscription
from app.notifications.models import Channel, Kind, Notification
from app.notifications.texts.compose import compose, reader_for
from app.notifications.texts.content import Content

#: What each kind is about, for people.
MEANINGS: Final[dict[Kind, str]] = {
    Kind.PURCHASE: "your purchases: receipts, codes and licence keys",
    Kind.SALE: "your sales",
    Kind.REFUND: "refunds, and requests for them",
    Kind.DEPOSIT: "deposits from your bank",
    Kind.PAYOUT: "payouts to your bank account",
    Kind.TRANSFER: "money that you send to and receive from others",
    Kind.PAYMENT_REQUEST: "payment requests",
    Kind.REVIEW: "payments that are reviewed before they are made",
    Kind.LOW_STOCK: "products that are nearly sold out",
    Kind.WEBHOOK: "webhook endpoints that were disabled",
    Kind.MESSAGE: "other messages",
    Kind.SECURITY: "sign-ins with new devices, changes of passwords, addresses, second factors and"
    " API keys",
}


@dataclass(frozen=True, slots=True)
class WrittenNotification:
    """A notification with its text. reference_id: of what it is about."""

    notification: Notification
    content: Content
    reference_id: UUID


@dataclass(frozen=True, slots=True)
class Preference:
    """Through which channels a user is notified of a kind. required: in the feed and by e-mail."""

    kind: Kind
    in_app: bool
    email: bool
    sms: bool
    required: bool


def list_notifications(
    session: Session, page: PageRequest, *, user: User, unread: bool | None = None
) -> Page[WrittenNotification]:
    """The user's notifications, newest first. unread: True for those only, False for the others."""
    found = repository.list_notifications(session, page, user_id=user.id, unread=unread)
    return found.with_data(_written(session, user, found.data))


def count_unread(session: Session, *, user_id: UUID) -> int:
    """The number of unread notifications, up to MAX_COUNT."""
    return repository.count_unread(session, user_id=user_id, limit=MAX_COUNT)


def mark_read(session: Session, *, user: User, notification_id: UUID) -> WrittenNotification:
    """Mark a notification of the user as read. Idempotent. Raises NotificationNotFound."""
    notification = repository.get_notification_for_update(session, notification_id)
    if notification is None or notification.user_id != user.id:
        raise NotificationNotFound
    if notification.read_at is None:
        notification.read_at = clock.now()
    (written,) = _written(session, user, [notification])
    return written


def mark_all_read(session: Session, *, user_id: UUID) -> int:
    """Mark all notifications of the user as read. Returns how many were unread."""
    return repository.mark_all_read(session, user_id=user_id, now=clock.now())


def _written(
    session: Session, user: User, notifications: Sequence[Notification]
) -> list[WrittenNotification]:
    reader = reader_for(session, user, [each.data for each in notifications])
    return [
        WrittenNotification(
            each,
            compose(each.topic, each.data, reader, at=each.created_at),
            UUID(each.data["id"]),
        )
        for each in notifications
    ]


def list_preferences(session: Session, *, user_id: UUID) -> list[Preference]:
    """What the user is notified of, for every kind."""
    choices = repository.list_choices(session, user_id)
    return [
        Preference(
            kind,
            in_app=is_enabled(choices, kind, Channel.IN_APP),
            email=is_enabled(choices, kind, Channel.EMAIL),
            sms=is_enabled(choices, kind, Channel.SMS),
            required=(kind, Channel.EMAIL) in REQUIRED,
        )
        for kind in Kind
    ]


def set_preferences(
    session: Session, *, user_id: UUID, choices: Mapping[tuple[Kind, Channel], bool]
) -> list[Preference]:
    """Change through which channels the user is notified of kinds. Others keep what they are.

    Raises NotificationRequired.
    """
    if any((kind, channel) in REQUIRED and not on for (kind, channel), on in choices.items()):
        raise NotificationRequired
    for (kind, channel), enabled in sorted(choices.items()):
        _choose(session, user_id, kind, channel, enabled=enabled)
    return list_preferences(session, user_id=user_id)


def require_subscription(token: str) -> Subscription:
    """What the address of a mail unsubscribes from. Raises UnsubscribeLinkInvalid."""
    found = links.verify(token)
    if found is None or (found.kind, found.channel) in REQUIRED:
        raise UnsubscribeLinkInvalid
    return found


def unsubscribe(session: Session, subscription: Subscription) -> None:
    """Stop notifying the user of a kind through a channel. Idempotent.

    Raises UnsubscribeLinkInvalid for a user who does not exist.
    """
    if repository.get_user(session, subscription.user_id) is None:
        raise UnsubscribeLinkInvalid
    _choose(session, subscription.user_id, subscription.kind, subscription.channel, enabled=False)


def _choose(
    session: Session, user_id: UUID, kind: Kind, channel: Channel, *, enabled: bool
) -> None:
    repository.set_choice(
        session,
        user_id=user_id,
        kind=kind.value,
        channel=channel.value,
        enabled=enabled,
        now=clock.now(),
    )
