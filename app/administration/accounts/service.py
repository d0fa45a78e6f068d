"""Users and their wallets, as administrators see them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.administration.accounts import repository
from app.audit import service as audit
from app.auth import login_sessions
from app.auth import service as auth
from app.auth.models import LoginSession, User
from app.auth.two_factor import service as two_factor
from app.auth.two_factor.service import TwoFactorStatus
from app.common.csv_export import CsvBatch
from app.common.pagination import Page, PageRequest
from app.common.text import typed_code
from app.common.time_range import TimeRange
from app.wallets import service as wallets
from app.wallets.errors import WalletNotFound
from app.wallets.ledger import Account
from app.wallets.models import Wallet
from app.wallets.service import NumberedPosting

MAX_MATCHES: Final = repository.MAX_MATCHES
#: The cells of a row of each export.
EXPORTED_USERS: Final = repository.USERS.cells
EXPORTED_WALLETS: Final = repository.WALLETS.cells

#: A phone number or a part of one, with what people put between its digits.
_PHONE: Final = re.compile(r"\+?[0-9 ().-]*[0-9][0-9 ().-]*")


class UserState(StrEnum):
    """LOCKED: with a locked wallet; such a user may be active or not."""

    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"
    LOCKED = "LOCKED"


@dataclass(frozen=True, slots=True)
class UserDetails:
    """What support needs to know of a user, and no secret."""

    user: User
    two_factor: TwoFactorStatus
    wallets: Sequence[Wallet]


@dataclass(frozen=True, slots=True)
class OwnedWallet:
    wallet: Wallet
    user: User

    @property
    def currency(self) -> str:
        return self.wallet.currency


def list_users(
    session: Session, page: PageRequest, *, within: TimeRange, **filters: Any
) -> Page[User]:
    """Users who registered in this time range, newest first.

    filters: q, a part of the name, shop, email address or phone number, as typed; role; state, a
    UserState.
    """
    return repository.list_users(session, page, within=within, **_stored_filters(**filters))


def export_users(
    session: Session, *, limit: int, below: UUID | None, within: TimeRange, **filters: Any
) -> CsvBatch:
    """A batch of all users of the list. filters: as of `list_users`."""
    return repository.export_users(
        session, limit=limit, below=below, within=within, **_stored_filters(**filters)
    )


def _stored_filters(
    *, q: str | None = None, role: str | None = None, state: str | None = None
) -> dict[str, Any]:
    active = {UserState.ACTIVE.value: True, UserState.DEACTIVATED.value: False}
    return {
        "text": q and _as_stored(q),
        "role": role,
        "active": active.get(state or ""),
        "locked": state == UserState.LOCKED,
    }


def _as_stored(q: str) -> str:
    """A part of a phone number without what people put between its digits; other text as it is."""
    typed = typed_code(q)
    return re.sub("[ ().-]", "", typed) if _PHONE.fullmatch(typed) else q


def require_user_details(session: Session, *, actor_id: UUID, user_id: UUID) -> UserDetails:
    """The user's details. The audit log has who read them. Raises UserNotFound."""
    user = auth.require_user(session, user_id)
    audit.record(session, actor_id=actor_id, action="user.view", target=("user", user_id))
    return UserDetails(
        user,
        two_factor.get_status(session, user_id=user_id),
        repository.list_wallets_of(session, user_id=user_id),
    )


def list_sessions(
    session: Session, page: PageRequest, *, actor_id: UUID, user_id: UUID
) -> Page[LoginSession]:
    """The user's active sessions, newest first. The audit log has who read them.

    Raises UserNotFound.
    """
    auth.require_user(session, user_id)
    audit.record(session, actor_id=actor_id, action="user.view", target=("user", user_id))
    return login_sessions.list_active_sessions(session, page, user_id=user_id)


def list_wallets(session: Session, page: PageRequest, **filters: Any) -> Page[OwnedWallet]:
    """Wallets of users, newest first. filters: user_id, number, is_locked, currency."""
    found = repository.WALLETS.read_page(session, page, **filters)
    return found.with_data(OwnedWallet(*row) for row in found.data)


def export_wallets(session: Session, **filters: Any) -> CsvBatch:
    """A batch of all wallets of the list. filters: as of `list_wallets`, with limit and below."""
    return repository.WALLETS.read_csv(session, **filters)


def list_transactions(
    session: Session,
    page: PageRequest,
    *,
    actor_id: UUID,
    wallet_id: UUID,
    within: TimeRange,
    kind: str | None = None,
) -> Page[NumberedPosting]:
    """The postings of a user's wallet, as its owner sees them. The audit log has who read them.

    Raises WalletNotFound, also for platform accounts.
    """
    account = require_account(session, wallet_id)
    audit.record(session, actor_id=actor_id, action="wallet.view", target=("wallet", wallet_id))
    return wallets.list_transactions(session, page, wallet=account, within=within, kind=kind)


def require_account(session: Session, wallet_id: UUID) -> Account:
    """The account of a user's wallet. Raises WalletNotFound."""
    wallet = repository.get_wallet(session, wallet_id)
    if wallet is None or wallet.user_id is None:
        raise WalletNotFound
    return wallets.require_wallet(session, user_id=wallet.user_id, currency=wallet.currency)
