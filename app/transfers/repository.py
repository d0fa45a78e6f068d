"""SQL of transfers."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.bulk import BulkInsert, Write, send_rows, write
from app.common.pagination import Page, PageRequest, paginate_union
from app.transfers.models import ReceiptAddress, Transfer

_INSERT = BulkInsert(Transfer)

# Each subquery takes one step in an index, and none if its identifier is NULL.
_FIND_USERS = """
    SELECT wanted.position, u.id, u.email, u.phone, u.first_name, u.last_name, u.shop_name,
        u.support_email, u.time_zone, u.role, u.is_active, u.email_verified_at, u.phone_verified_at
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS wanted
        (position int, user_id uuid, email_key text, phone text, wallet_number text, currency text)
    JOIN users u ON u.id = coalesce(
        wanted.user_id,
        (SELECT id FROM users WHERE email_key = wanted.email_key),
        (SELECT id FROM users WHERE phone = wanted.phone),
        (SELECT user_id FROM wallets WHERE number = wanted.wallet_number
            AND currency = wanted.currency)
    )
"""


def find_users(session: Session, wanted: Iterable[object]) -> Iterable[Any]:
    """The users with these identifiers, each with the position of the identifier and the columns of
    `auth.profile.Profile`. wanted: rows of user_id, email_key, phone and wallet_number, of which
    one is not None, with currency and position.
    """
    return send_rows(session, _FIND_USERS, wanted)


def insert_transfers(session: Session, transfers: Iterable[Transfer]) -> None:
    """transfers: of the class TransferRow."""
    write(session, Write(_INSERT, transfers))


def get_transfer_of(session: Session, *, transfer_id: UUID, user_id: UUID) -> Transfer | None:
    """The transfer, if `user_id` sent or received it."""
    return session.scalar(
        select(Transfer).where(
            Transfer.id == transfer_id,
            or_(Transfer.sender_id == user_id, Transfer.receiver_id == user_id),
        )
    )


def get_receipt(session: Session, transfer_id: UUID) -> Any | None:
    """The Transfer with its receiver (User), and the `serial` of its receipt's address."""
    return session.execute(
        select(Transfer, User, func.coalesce(ReceiptAddress.serial, 0).label("serial"))
        .join(User, User.id == Transfer.receiver_id)
        .outerjoin(ReceiptAddress, ReceiptAddress.transfer_id == Transfer.id)
        .where(Transfer.id == transfer_id)
    ).one_or_none()


def raise_receipt_serial(session: Session, transfer_id: UUID) -> int:
    """Count that the address of the receipt is revoked once more. Returns how often it was."""
    statement = insert(ReceiptAddress).values(transfer_id=transfer_id, serial=1)
    raised = {"serial": ReceiptAddress.serial + 1}
    return session.execute(
        statement.on_conflict_do_update(index_elements=["transfer_id"], set_=raised).returning(
            ReceiptAddress.serial
        )
    ).scalar_one()


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
