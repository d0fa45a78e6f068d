"""Sales of a busy merchant: single mails up to a number per hour, then one mail for each hour."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import first_id, new_id
from app.notifications import repository
from app.notifications.models import Channel, MessageStatus, OutgoingMessage
from app.notifications.rows import open_message

_HOUR: Final = timedelta(hours=1)
#: Sales that a digest lists one by one.
_LISTED: Final = 20


def collect(
    session: Session, due: Sequence[OutgoingMessage], *, now: datetime, max_sales: int
) -> list[OutgoingMessage]:
    """Put off the mails about sales that exceed `max_sales` within an hour.

    due: locked. Returns those that are sent now.
    """
    sales = {each.user_id for each in due if _is_sale(each)}
    sent = Counter(repository.count_sale_mails(session, sales, since=first_id(now - _HOUR)))
    kept = []
    for message in due:
        if _is_sale(message):
            if sent[message.user_id] >= max_sales:
                message.status = MessageStatus.COLLECTED.value
                message.next_attempt_at = _end_of_hour(now)
                continue
            sent[message.user_id] += 1
        kept.append(message)
    return kept


def merge_next(session: Session) -> bool:
    """Make one mail of the collected sales of a merchant whose hour has ended. Returns whether
    there was one."""
    now = clock.now()
    user_id = repository.get_merchant_to_merge(session, now=now)
    if user_id is None:
        return False
    repository.lock_user(session, user_id)  # so that concurrent callers make one digest
    listed = repository.list_collected(session, user_id=user_id, now=now, limit=_LISTED)
    sums = repository.merge_collected(session, user_id=user_id, now=now)
    if sums:
        repository.insert_messages(session, [_digest(user_id, listed, sums, now)])
    return True


def _digest(
    user_id: UUID, listed: Sequence[dict[str, Any]], sums: Sequence[Any], now: datetime
) -> dict[str, Any]:
    keys = ("number", "productId", "quantity", "amount", "currency")
    data = {
        "id": str(user_id),
        "sales": sum(each.sales for each in sums),
        "totals": {each.currency: each.amount for each in sums},
        "since": clock.format_timestamp(min(each.since for each in sums)),
        "until": clock.format_timestamp(max(each.until for each in sums)),
        "orders": [{key: sale[key] for key in keys} for sale in listed],
    }
    return open_message(
        Channel.EMAIL,
        id=new_id(),
        user_id=user_id,
        topic="sales_digest",
        data=data,
        created_at=now,
        due_at=now,
    )


def _is_sale(message: OutgoingMessage) -> bool:
    return message.topic == "sale" and message.channel == Channel.EMAIL and not message.attempts


def _end_of_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + _HOUR
