"""Makes the text of notifications."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.masking import public_name
from app.auth.models import User
from app.common.ids import parse_id
from app.notifications import repository
from app.notifications.texts import account, handles, money, trade
from app.notifications.texts.content import Content, Data, Reader, Writer

WRITERS: Final[dict[str, Writer]] = trade.TEXTS | money.TEXTS | account.TEXTS | handles.TEXTS

#: The fields that contain a user of whom a text may tell the name.
_USERS: Final = ("userId", "merchantId", "senderId", "receiverId", "requesterId", "payerId")

_log = structlog.get_logger()


def reader_for(session: Session, user: User, data: Sequence[Data]) -> Reader:
    """For texts of `user` that are made from `data`, with all names that they mention."""
    users = {user_id for each in data for key in _USERS if (user_id := parse_id(each.get(key)))}
    parts = (parse_id(each.get("productId")) for each in _with_parts(data))
    products = {product_id for product_id in parts if product_id is not None}
    found = auth.get_users_by_id(session, list(users)) if users else {}
    return Reader.of(
        user,
        {user_id: public_name(each) for user_id, each in found.items()},
        repository.get_product_names(session, products) if products else {},
    )


def compose(topic: str, data: Data, reader: Reader, *, at: datetime) -> Content:
    """The text of a notification. at: when it happened.

    For data that its writer does not understand, such as that of a newer version, it only says so
    in general.
    """
    try:
        return WRITERS[topic](data, reader, at)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        _log.warning("notification not understood", topic=topic, error=type(error).__name__)
        return Content("Something happened in your account", ("Sign in to see what it is.",))


def _with_parts(data: Iterable[Any]) -> Iterator[Data]:
    """Data, and the orders in it."""
    for each in data:
        yield each
        yield from each.get("orders", ())
