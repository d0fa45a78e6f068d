"""What was bought, in the mail about a purchase: the goods, or only the order's page.

Codes that are mailed count as seen, so they are not sold again after a refund.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.notifications import repository
from app.notifications.texts.content import Button, Content, Data, Good, Reader
from app.orders.errors import OrderNotFound
from app.orders.order_page import service as order_pages

#: Codes and keys that a mail lists; with more, it says where they are.
_MAX_LISTED: Final = 50


def with_goods(
    session: Session, content: Content, data: Data, reader: Reader, *, base: str, api: str
) -> Content:
    """The text with what was bought. base: public address of the application; api: of the API.

    Needs a transaction, because codes are marked as seen.
    """
    try:
        page = order_pages.address_of(
            session, order_id=UUID(data["id"]), user_id=UUID(data["userId"]), base=base
        )
    except OrderNotFound:
        return content
    merchant = repository.get_user(session, UUID(data["merchantId"]))
    content = replace(
        content,
        button=Button("Open your gift" if data.get("giveawayId") else "Open your order", page),
        reply_to=merchant.support_email if merchant is not None else None,
    )
    if merchant is None or not merchant.goods_in_mail:
        return content
    found = order_pages.require_page(session, page.rpartition("/")[2], base_url=api)
    goods = list(_goods(found.goods or {}, reader))
    if len(goods) > _MAX_LISTED:
        note = f"{len(goods)} in all. The page of your order lists them."
        return replace(content, paragraphs=(*content.paragraphs, note))
    return replace(content, goods=tuple(goods))


def _goods(delivered: Mapping[str, Any], reader: Reader) -> Iterator[Good]:
    """delivered: as DeliveryOut."""
    for code in delivered.get("codes", ()):
        yield Good(code)
    for licence in delivered.get("licences", ()):
        yield Good(licence["key"], note=_of_licence(licence, reader))
    for file in delivered.get("files", ()):
        # Links to a file expire within hours; the page of the order has a new one.
        yield Good(file["name"], note="Download it from the page of your order", is_code=False)


def _of_licence(licence: Mapping[str, Any], reader: Reader) -> str | None:
    notes = []
    if limit := licence["activationLimit"]:
        notes.append(f"For {limit} machine{'' if limit == 1 else 's'}")
    if expires_at := licence["expiresAt"]:
        notes.append(f"valid until {reader.time(expires_at)}")
    return ", ".join(notes) or None
