"""SQL of users and wallets, for administrators."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from app.auth.models import SEARCHED, User
from app.common.csv_export import CsvBatch, boolean_cell, money_cell, text_cell, time_cell
from app.common.id_ranges import Lead, Listing, equal, newest_first
from app.common.pagination import AnySelect, Page, PageRequest, paginate
from app.common.time_range import TimeRange
from app.common.trigrams import NEWEST, contains, has_trigram
from app.wallets.models import Wallet, WalletKind

#: Users that a search finds and counts: of more matches, the older ones are left out.
MAX_MATCHES: Final = 1000

_WITH_LOCKED_WALLET: Final = User.id.in_(
    select(Wallet.user_id).where(Wallet.is_locked, Wallet.user_id.is_not(None))
)


def _filters(
    *, role: str | None, active: bool | None, locked: bool, ids: Sequence[UUID] | None = None
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`.

    active: only those who are, or are not; locked: only those with a locked wallet; ids: only
    these, which lead to few rows.
    """
    where: list[Any] = []
    if active is not None:
        where.append(User.is_active if active else ~User.is_active)
    if locked:
        where.append(_WITH_LOCKED_WALLET)
    if ids is not None:
        return {"lead": {}, "where": [*where, *equal({User.role: role}), User.id.in_(ids)]}
    return {"lead": {User.role: role} if role is not None else {}, "where": where}


#: Users; filters: see `_filters`.
USERS: Final = Listing(
    select(User),
    User.id,
    created_at=User.created_at,
    filters=_filters,
    cells={
        "userId": User.id,
        "createdAt": time_cell(User.created_at),
        "role": User.role,
        "email": text_cell(User.email),
        "phone": text_cell(User.phone),
        "firstName": text_cell(User.first_name),
        "lastName": text_cell(User.last_name),
        "shopName": text_cell(User.shop_name),
        "isActive": boolean_cell(User.is_active),
        "emailVerifiedAt": time_cell(User.email_verified_at),
        "phoneVerifiedAt": time_cell(User.phone_verified_at),
        "lastLoginAt": time_cell(User.last_login_at),
    },
)


def list_users(
    session: Session, page: PageRequest, *, text: str | None, within: TimeRange, **filters: Any
) -> Page[User]:
    """Users, newest first. text: only those with this text in their names, shop, email or phone;
    filters: see `_filters`."""
    if text is None:
        return USERS.read_page(session, page, within=within, **filters)
    ids = _search(session, text, within=within, **filters)
    return paginate(
        session, page, select(User).where(User.id.in_(ids)), User.id, max_count=MAX_MATCHES
    )


def export_users(
    session: Session,
    *,
    limit: int,
    below: UUID | None,
    text: str | None,
    within: TimeRange,
    **filters: Any,
) -> CsvBatch:
    """A batch of the export, as of `Listing.read_csv`. text, filters: as of `list_users`."""
    ids = None if text is None else _search(session, text, within=within, **filters)
    return USERS.read_csv(session, limit=limit, below=below, within=within, ids=ids, **filters)


def _search(session: Session, text: str, *, within: TimeRange, **filters: Any) -> Sequence[UUID]:
    """The IDs of the newest users with this text; see `_find`. filters: see `_filters`."""
    found = _filters(**filters)
    where = [*found["where"], *equal(found["lead"]), contains(literal_column(SEARCHED), text)]
    matching = newest_first(
        select(User.id).where(*where), User.id, created_at=User.created_at, within=within, lead={}
    )
    return _find(session, matching, by_index=has_trigram(text))


def _find(session: Session, found: AnySelect, *, by_index: bool) -> Sequence[UUID]:
    """The IDs of MAX_MATCHES users who match, the newest, and one more if there are more.

    A common text is found among the NEWEST users. Only if it is not, all matches are read from the
    index and sorted: PostgreSQL would otherwise walk through all users if it expects many matches,
    and they happen to be old.
    """
    most = MAX_MATCHES + 1
    newest = select(User.id).order_by(User.id.desc()).limit(NEWEST).subquery()
    oldest = select(newest.c.id).order_by(newest.c.id).limit(1).scalar_subquery()
    recent = session.scalars(found.where(User.id >= oldest).limit(most)).all()
    if len(recent) == most or not by_index:
        return recent
    everything = found.order_by(None).cte("everything").prefix_with("MATERIALIZED")
    return session.scalars(
        select(everything.c.id).order_by(everything.c.id.desc()).limit(most)
    ).all()


def _wallet_filters(
    *,
    user_id: UUID | None = None,
    number: str | None = None,
    is_locked: bool | None = None,
    currency: str | None = None,
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`."""
    lead: Lead = {Wallet.currency: currency} if currency is not None else {}
    where: list[Any] = [Wallet.kind == WalletKind.USER]
    where += equal({Wallet.user_id: user_id, Wallet.number: number})
    if is_locked is not None:
        where.append(Wallet.is_locked if is_locked else ~Wallet.is_locked)
    return {"lead": lead, "where": where}


#: Wallets of users with their owners; filters: see `_wallet_filters`.
WALLETS: Final = Listing(
    select(Wallet, User).select_from(Wallet).join(User, User.id == Wallet.user_id),
    Wallet.id,
    created_at=Wallet.created_at,
    filters=_wallet_filters,
    cells={
        "walletId": Wallet.id,
        "createdAt": time_cell(Wallet.created_at),
        "number": Wallet.number,
        "userId": Wallet.user_id,
        "email": text_cell(User.email),
        "balance": money_cell(Wallet.balance, Wallet.currency),
        "held": money_cell(Wallet.held, Wallet.currency),
        "currency": Wallet.currency,
        "isLocked": boolean_cell(Wallet.is_locked),
        "lockReason": text_cell(Wallet.lock_reason),
    },
)


def list_wallets_of(session: Session, *, user_id: UUID) -> Sequence[Wallet]:
    """One for each currency."""
    return session.scalars(
        select(Wallet).where(Wallet.user_id == user_id).order_by(Wallet.currency)
    ).all()


def get_wallet(session: Session, wallet_id: UUID) -> Wallet | None:
    return session.get(Wallet, wallet_id)
