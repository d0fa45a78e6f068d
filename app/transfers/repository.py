"""SQL of transfers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from app.transfers.models import Transfer


def insert_transfer(session: Session, transfer: Transfer) -> None:
    session.add(transfer)
    session.flush()


def get_transfer_of(session: Session, *, transfer_id: UUID, user_id: UUID) -> Transfer | None:
    """The transfer, if `user_id` sent or received it."""
    return session.scalar(
        select(Transfer).where(
            Transfer.id == transfer_id,
            or_(Transfer.sender_id == user_id, Transfer.receiver_id == user_id),
        )
    )


def _sides(user_id: UUID, *, sent: bool, received: bool) -> list[Select[Transfer]]:
    """One query for each direction, because each has an index of its own."""
    sides = []
    if sent:
        sides.append(select(Transfer).where(Transfer.sender_id == user_id))
    if received:
        sides.append(select(Transfer).where(Transfer.receiver_id == user_id))
    return sides


def transfers_of(
    session: Session,
    *,
    user_id: UUID,
    sent: bool,
    received: bool,
    limit: int,
    offset: int,
    below: UUID | None,
) -> Sequence[Transfer]:
    """Newest first. below: only those with a smaller id.

    Each direction is read no further than the page goes, and nobody sends to themselves, so
    together they hold every row of the page once.
    """
    newest = []
    for side in _sides(user_id, sent=sent, received=received):
        if below is not None:
            side = side.where(Transfer.id < below)
        newest.append(side.order_by(Transfer.id.desc()).limit(offset + limit).subquery().select())
    found = aliased(Transfer, union_all(*newest).subquery())
    query = select(found).order_by(found.id.desc())
    return session.scalars(query.limit(limit).offset(offset)).all()


def count_transfers(session: Session, *, user_id: UUID, sent: bool, received: bool) -> int:
    sides = _sides(user_id, sent=sent, received=received)
    return sum(
        session.scalar(select(func.count()).select_from(side.subquery())) or 0 for side in sides
    )
