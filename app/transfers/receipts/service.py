"""The receipt of a transfer at a signed address, which needs no sign-in: the sender can keep it or
pass it on, and revoke it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.auth.errors import TooManyRevocations
from app.auth.masking import public_name
from app.auth.revocable_links import MAX_SERIAL
from app.images.service import ShownImage
from app.shops import logos
from app.transfers import repository
from app.transfers.errors import TransferNotFound
from app.transfers.models import Purpose, Transfer
from app.transfers.receipts.links import LINKS

_KINDS = {
    Purpose.PAYMENT_REQUEST: "Payment of a request",
    Purpose.MERCHANT_CODE: "Payment with a code",
    None: "Transfer",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receipt shows. kind: what was paid; receiver: the public name; support, logo, zone:
    of the receiver."""

    transfer: Transfer
    kind: str
    receiver: str
    support: str | None
    logo: ShownImage | None
    zone: ZoneInfo


def address_of(session: Session, *, transfer_id: UUID, user_id: UUID, base: str) -> str:
    """The address of a receipt, for the sender. base: public address of the application.

    Raises TransferNotFound.
    """
    found = repository.get_receipt(session, transfer_id)
    if found is None or found.Transfer.sender_id != user_id:
        raise TransferNotFound
    return LINKS.url_of(transfer_id, base=base, serial=found.serial)


def page_of(session: Session, data: Mapping[str, Any], base: str) -> str | None:
    """The receipt of the transfer of an event. data: of the event, with the `id` of the transfer;
    base: public address of the application."""
    found = repository.get_receipt(session, UUID(data["id"]))
    return LINKS.url_of(found.Transfer.id, base=base, serial=found.serial) if found else None


def revoke(session: Session, *, transfer_id: UUID, user_id: UUID, base: str) -> str:
    """Invalidate the address of a receipt. Returns the new one.

    Raises TransferNotFound, TooManyRevocations.
    """
    found = repository.get_receipt(session, transfer_id)
    if found is None or found.Transfer.sender_id != user_id:
        raise TransferNotFound
    serial = repository.raise_receipt_serial(session, transfer_id)
    if serial > MAX_SERIAL:
        raise TooManyRevocations
    return LINKS.url_of(transfer_id, base=base, serial=serial)


def require_receipt(session: Session, token: str) -> Receipt:
    """The receipt at an address.

    Raises TransferNotFound for an address that we have not signed, or that was revoked.
    """
    signed = LINKS.verify(token)
    row = repository.get_receipt(session, signed[0]) if signed else None
    if signed is None or row is None or row.serial != signed[1]:
        raise TransferNotFound
    transfer: Transfer = row.Transfer
    return Receipt(
        transfer,
        _KINDS[Purpose(transfer.reference_type) if transfer.reference_type else None],
        public_name(row.User),
        row.User.support_email,
        logos.get_logo(session, row.User),
        ZoneInfo(row.User.time_zone),
    )
