"""SQL of transfers."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate_union
from app.common.rows import insert_row
from app.transfers.models import Transfer


def insert_transfer(session: Session, transfer: Transfer) -> None:
    insert_row(session, transfer)


def get_transfer_of(session: Session, *, transfer_id: UUID, user_id: UUID) -> Transfer | None:
    """The transfer, if `user_id` sent or received it."""
    return session.scalar(
        select(Transfer).where(
            Transfer.id == transfer_id,
            or_(Transfer.sender_id == user_id, Transfer.receiver_id == user_id),
        )
    )


def list_transfers(
    session: Session, page: PageRequest, *, user_id: UUID, sent: bool, received: bool
) -> Page[Transfer]:
    """What the user sent, received, or both, newest first."""
    # Each direction has its own index, and sender and receiver always differ.
    directions = []
    if sent:
        directions.append(select(Transfer).where(Transfer.sender_id == user_id))
    if received:
        directions.append(select(Transfer).where(Transfer.receiver_id == user_id))
    return paginate_union(session, page, directions, Transfer.id)
