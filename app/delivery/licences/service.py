"""Goods of which nothing is handed over: the order is all there is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.delivery.goods import Line


def reserve(session: Session, lines: Sequence[Line]) -> None:
    """Nothing: the stock is all there is."""


def deliver(session: Session, lines: Sequence[Line]) -> None:
    """Nothing."""


def release(session: Session, line: Line) -> None:
    """Nothing."""


def revoke(session: Session, line: Line, *, units: int) -> int:
    """All of them can be sold again."""
    return units


def show(session: Session, line: Line, *, base: str) -> dict[str, Any]:
    """Nothing to see."""
    return {}
