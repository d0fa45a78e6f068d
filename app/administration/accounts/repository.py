"""SQL of users and wallets, for administrators."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from app.auth.models import SEARCHED, User
from app.common.csv_export import CsvBatch, boolean_cell, money_cell, text_cell, time_cell
from app.common.id_ranges import Lead, equal, newest_first, paginate_newest, read_csv
from app.common.pagination import AnySelect, Page, PageRequest, paginate
from app.common.time_range import ANY_TIME, TimeRange
from app.common.trigrams import NEWEST, contains, has_trigram
from app.wallets.models import Wallet, WalletKind

#: Users that a search finds and counts: of more matches, the older ones are left out.
MAX_MATCHES: Final = 1000

_WITH_LOCKED_WALLET: Final = User.id.in_(
    select(Wallet.user_id).where(Wallet.is_locked, Wallet.user_id.is_not(None))
)


#: The cells of a row of the export.
EXPORTED_USERS: Final[dict[str, Any]] = {
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
}

#: The cells of a row of the export.
EXPORTED_WALLETS: Final[dict[str, Any]] = {
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
}


def list_users(
    session: Session, page: PageRequest, *, text: str | None, within: TimeRange, **filters: Any
) -> Page[User]:
    """Users, newest first. text: only those with this text in their names, shop, email or phone;
    filters: see `_filters`."""
    if text is None:
        return paginate_newest(
            session,
            page,
            select(User),
            User.id,
            created_at=User.created_at,
            within=within,
            **_filters(**filters),
        )
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
    """A batch of the export, as of `id_ranges.read_csv`. text, filters: as of `list_users`."""
    found = _filters(**filters)
    if text is not None:
        ids = _search(session, text, within=within, **filters)
        found = {"lead": {}, "where": [User.id.in_(ids)]}
    return read_csv(
        session,
        select(User.id),
        User.id,
        cells=EXPORTED_USERS,
        created_at=User.created_at,
        within=within,
        limit=limit,
        below=below,
        **found,
    )


def _filters(*, role: str | None, active: bool | None, locked: bool) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`.

    active: only those who are, or are not; locked: only those with a locked wallet.
    """
    where: list[Any] = []
    if active is not None:
        where.append(User.is_active if active else ~User.is_active)
    if locked:
        where.append(_WITH_LOCKED_WALLET)
    return {"lead": {User.role: role} if role is not None else {}, "where": where}


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


def list_wallets(session: Session, page: PageRequest, **filters: Any) -> Page[Any]:
    """Wallets of users with their owners, newest first. filters: see `_wallet_filters`."""
    return paginate_newest(
        session,
        page,
        _with_owner(select(Wallet, User)),
        Wallet.id,
        created_at=Wallet.created_at,
        within=ANY_TIME,
        **_wallet_filters(**filters),
    )


def export_wallets(session: Session, *, limit: int, below: UUID | None, **filters: Any) -> CsvBatch:
    """A batch of the export, as of `id_ranges.read_csv`. filters: see `_wallet_filters`."""
    return read_csv(
        session,
        _with_owner(select(Wallet.id)),
        Wallet.id,
        cells=EXPORTED_WALLETS,
        created_at=Wallet.created_at,
        within=ANY_TIME,
        limit=limit,
        below=below,
        **_wallet_filters(**filters),
    )


def _with_owner(query: Any) -> Any:
    return query.select_from(Wallet).join(User, User.id == Wallet.user_id)


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


def list_wallets_of(session: Session, *, user_id: UUID) -> Sequence[Wallet]:
    """One for each currency."""
    return session.scalars(
        select(Wallet).where(Wallet.user_id == user_id).order_by(Wallet.currency)
    ).all()


def get_wallet(session: Session, wallet_id: UUID) -> Wallet | None:
    return session.get(Wallet, wallet_id)
