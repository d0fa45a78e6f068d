"""Links from a mail to the page of what it is about, where another module has one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sqlalchemy.orm import Session

from app.common.process_state import Handlers
from app.notifications.texts.content import Button, Content, Data

#: The address of the page of a notification, by its data and the public address of the application;
#: None if there is none.
PageOf = Callable[[Session, Data, str], str | None]

pages: Final[Handlers[str, PageOf]] = Handlers("pages of notifications")

#: What the button says, by topic.
_LABELS: Final = {"payment_request": "Pay or decline", "transfer_sent": "Open the receipt"}


def with_link(session: Session, content: Content, topic: str, data: Data, *, base: str) -> Content:
    """The text with the link to the page, if there is one. base: public address."""
    page_of = pages.get(topic) if topic in _LABELS else None
    url = page_of(session, data, base) if page_of is not None else None
    return replace(content, button=Button(_LABELS[topic], url)) if url is not None else content
