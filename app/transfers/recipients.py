"""Lookup of recipients by email address, phone number, wallet number or user ID."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.masking import masked_email, masked_name, masked_number
from app.auth.profile import Profile, verified_since
from app.auth.service import fold_email
from app.transfers import repository
from app.transfers.errors import CannotTransferToSelf, RecipientNotFound, RecipientNotVerified
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
    #: Since when the address or number that was looked up is known to be the user's; of a wallet
    #: number or ID, since when any is. None if it is not.
    verified_since: datetime | None

    @property
    def verified(self) -> bool:
        return self.verified_since is not None


def query_users(
    session: Session, wanted: Sequence[tuple[UserIdentifier, str]]
) -> Callable[[], list[Profile | None]]:
    """Send the query for the users with these identifiers; call the result to read them.

    wanted: each with the currency of the wallet that a number refers to.
    """
    rows = repository.find_users(
        session,
        [
            {
                "position": position,
                "user_id": each.user_id,
                "email_key": fold_email(each.email) if each.email is not None else None,
                "phone": each.phone,
                "wallet_number": each.wallet_number,
                "currency": currency,
            }
            for position, (each, currency) in enumerate(wanted)
        ],
    )

    def read() -> list[Profile | None]:
        found = {position: Profile(*profile) for position, *profile in rows}
        return [found.get(position) for position in range(len(wanted))]

    return read


def require_recipient(
    session: Session, identifier: UserIdentifier, *, caller_id: UUID, currency: str
) -> Profile:
    """The user with this identifier, if they can be paid by the caller.

    Raises RecipientNotFound, CannotTransferToSelf.
    """
    (user,) = query_users(session, [(identifier, currency)])()
    return require_other(user, caller_id=caller_id)


def require_other(user: Profile | None, *, caller_id: UUID) -> Profile:
    """The user, if active and not the caller. Raises RecipientNotFound, CannotTransferToSelf."""
    if user is None or not user.is_active:
        raise RecipientNotFound
    if user.id == caller_id:
        raise CannotTransferToSelf
    return user


def require_verified(identifier: UserIdentifier, user: Profile) -> None:
    """Raises RecipientNotVerified for an email address or phone number that the user has not
    verified. Wallet numbers and IDs belong to one account forever."""
    is_handle = identifier.email is not None or identifier.phone is not None
    if is_handle and _verified_since(identifier, user) is None:
        raise RecipientNotVerified


def _verified_since(identifier: UserIdentifier, user: Profile) -> datetime | None:
    if identifier.email is not None:
        return user.email_verified_at
    if identifier.phone is not None:
        return user.phone_verified_at
    return verified_since(user)


def mask_user(
    session: Session, user: Profile, *, found_by: UserIdentifier, currency: str
) -> MaskedUser:
    """The masked details of the user."""
    wallet = wallets.get_wallet_of_user(session, user_id=user.id, currency=currency)
    number = wallet.number if wallet else None
    return MaskedUser(
        masked_name(user),
        masked_email(user.email),
        masked_number(number) if number else None,
        _verified_since(found_by, user),
    )
