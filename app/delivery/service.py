"""Delivery: what a buyer gets for an order, by the kind of the product."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy.orm import Session

from app.delivery import plain
from app.delivery.codes import service as codes
from app.delivery.files import service as files
from app.delivery.goods import Check, Goods, Line
from app.delivery.licences import service as licences
from app.products.models import ProductKind

_GOODS: Final[Mapping[str, Goods]] = {
    ProductKind.PLAIN: plain,
    ProductKind.CODES: codes,
    ProductKind.LICENCE: licences,
    ProductKind.FILE: files,
}


def reserve(session: Session, lines: Sequence[Line]) -> list[Check]:
    """Set goods aside for orders that were just written; call what is returned before the end.

    The caller holds the products. Nothing is read, so a pipeline goes on.
    """
    checks = [goods.reserve(session, some) for goods, some in _by_kind(lines)]
    return [check for check in checks if check is not None]


def deliver(session: Session, lines: Sequence[Line]) -> None:
    """Make what was reserved the buyers', in the transaction that completes their orders."""
    for goods, some in _by_kind(lines):
        goods.deliver(session, some)


def release(session: Session, line: Line) -> None:
    """Let go of what was reserved for an order that is not paid for."""
    _GOODS[line.kind].release(session, line)


def revoke(session: Session, line: Line, *, units: int) -> int:
    """Take the goods of that many units back; how many of them can be sold again."""
    return _GOODS[line.kind].revoke(session, line, units=units)


def show(session: Session, line: Line, *, base: str) -> dict[str, Any]:
    """What the buyer has, as it goes over the wire. base: where the API is, for links."""
    return _GOODS[line.kind].show(session, line, base=base)


def _by_kind(lines: Sequence[Line]) -> Iterator[tuple[Goods, list[Line]]]:
    ordered = sorted(lines, key=lambda line: line.kind)
    for kind, some in groupby(ordered, key=lambda line: line.kind):
        yield _GOODS[kind], list(some)
