"""Lookup of recipients by email address, phone number, wallet number or user ID."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.transfers.errors import CannotTransferToSelf, RecipientNotFound
from app.transfers.masking import masked_email, masked_name, masked_number
from app.wallets import service as wallets


@dataclass(frozen=True, slots=True)
class UserIdentifier:
    """A user, identified by exactly one of these. email, phone: normalized."""

    email: str | None = None
    phone: str | None = None
    wallet_number: str | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MaskedUser:
    """The masked details of a user, shown to users who may be strangers."""

    name: str | None
    email: str | None
    wallet_number: str | None


def require_recipient(
    session: Session, identifier: UserIdentifier, *, caller_id: UUID, currency: str
) -> User:
    """The user with this identifier, if active and not the caller.

    Raises RecipientNotFound, CannotTransferToSelf.
    """
    user = _find(session, identifier, currency=currency)
    if user is None or not user.is_active:
        raise RecipientNotFound
    if user.id == caller_id:
        raise CannotTransferToSelf
    return user


def _find(session: Session, identifier: UserIdentifier, *, currency: str) -> User | None:
    if identifier.email is not None:
        return auth.get_user_by_email(session, email=identifier.email)
    if identifier.phone is not None:
        return auth.get_user_by_phone(session, phone=identifier.phone)
    user_id = identifier.user_id
    if identifier.wallet_number is not None:
        wallet = wallets.get_wallet_by_number(
            session, number=identifier.wallet_number, currency=currency
        )
        user_id = wallet.user_id if wallet else None
    return auth.get_users_by_id(session, [user_id]).get(user_id) if user_id else None


def mask_user(session: Session, user: User, *, currency: str) -> MaskedUser:
    """The masked details of the user."""
    wallet = wallets.get_wallet_of_user(session, user_id=user.id, currency=currency)
    number = wallet.number if wallet else None
    return MaskedUser(
        masked_name(user), masked_email(user.email), masked_number(number) if number else None
    )
