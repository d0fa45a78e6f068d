"""Delivery: what a buyer gets for an order, by the kind of the product."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app import delivery
from app.common.discovery import import_modules
from app.delivery.handler import DeferredCheck, DeliveryHandler, OrderLine
from app.products.models import Product, ProductKind


def _handlers() -> Mapping[str, DeliveryHandler]:
    """The handler of each kind, from every `handler.py` below this folder."""
    classes = {
        each.kind: each
        for module in import_modules(delivery, "handler")
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, DeliveryHandler)
    }
    return {kind: classes[kind]() for kind in ProductKind}


HANDLERS: Final = _handlers()


def max_units_per_order(kind: str) -> int | None:
    """How many units of this kind an order may contain; None for no limit."""
    return HANDLERS[kind].max_units_per_order


def code_column(kind: str) -> str | None:
    """The name of a column with codes of this kind; None if it has none."""
    return HANDLERS[kind].code_column


def list_codes(session: Session, line: OrderLine) -> Sequence[str]:
    """The codes of an order that are not revoked, in order, marked as seen by the buyer."""
    return HANDLERS[line.kind].list_codes(session, line)


def reserve(session: Session, lines: Sequence[OrderLine]) -> list[DeferredCheck]:
    """Reserve what orders that were just inserted will deliver.

    The caller has locked the products, and calls the returned checks before it commits. Nothing is
    read, so that a pipeline continues.
    """
    checks = [handler.reserve(session, group) for handler, group in _by_handler(lines)]
    return [check for check in checks if check is not None]


def deliver(session: Session, lines: Sequence[OrderLine]) -> None:
    """Deliver what was reserved, in the transaction that completes the orders."""
    for handler, group in _by_handler(lines):
        handler.deliver(session, group)


def release(session: Session, line: OrderLine) -> None:
    """Release what was reserved for an order that will not be paid."""
    HANDLERS[line.kind].release(session, line)


def revoke(session: Session, line: OrderLine, *, units: int) -> int:
    """Revoke delivered units. Returns how many of them can be sold again."""
    return HANDLERS[line.kind].revoke(session, line, units=units)


def revoke_links(session: Session, *, order_id: UUID, kind: str) -> None:
    """Invalidate the links in what was rendered of an order so far. kind: of its product."""
    HANDLERS[kind].revoke_links(session, order_id=order_id)


def discard(session: Session, product: Product) -> None:
    """Give up what no order needs of a product that is being deleted, and is locked."""
    HANDLERS[product.kind].discard(session, product)


def render(session: Session, line: OrderLine, *, base_url: str) -> dict[str, Any]:
    """What the buyer has, serialized as DeliveryOut. base_url: of the API, for links."""
    delivered = HANDLERS[line.kind].render(session, line, base_url=base_url)
    return {
        "orderId": line.order_id,
        "kind": line.kind,
        "units": line.quantity,
        "orderNumber": line.order_number,
    } | delivered


def _by_handler(
    lines: Sequence[OrderLine],
) -> Iterator[tuple[DeliveryHandler, list[OrderLine]]]:
    ordered = sorted(lines, key=lambda line: line.kind)
    for kind, group in groupby(ordered, key=lambda line: line.kind):
        yield HANDLERS[kind], list(group)
