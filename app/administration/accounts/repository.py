"""SQL of users and wallets, for administrators."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from app.auth.models import SEARCHED, User
from app.common.id_ranges import Lead, newest_first, paginate_newest
from app.common.pagination import AnySelect, Page, PageRequest, paginate
from app.common.time_range import ANY_TIME, TimeRange
from app.common.trigrams import NEWEST, contains, has_trigram
from app.wallets.models import Wallet, WalletKind

#: Users that a search finds and counts: of more matches, the older ones are left out.
MAX_MATCHES: Final = 1000

_WITH_LOCKED_WALLET: Final = User.id.in_(
    select(Wallet.user_id).where(Wallet.is_locked, Wallet.user_id.is_not(None))
)


def list_users(
    session: Session,
    page: PageRequest,
    *,
    text: str | None,
    role: str | None,
    active: bool | None,
    locked: bool,
    within: TimeRange,
) -> Page[User]:
    """Users, newest first.

    text: only those with this text in their names, shop, email or phone; active: only those who
    are, or are not; locked: only those with a locked wallet.
    """
    where: list[Any] = []
    if active is not None:
        where.append(User.is_active if active else ~User.is_active)
    if locked:
        where.append(_WITH_LOCKED_WALLET)
    lead: Lead = {User.role: role} if role is not None else {}
    if text is None:
        return paginate_newest(
            session,
            page,
            select(User),
            User.id,
            created_at=User.created_at,
            within=within,
            lead=lead,
            where=where,
        )
    where += [column == value for column, value in lead.items()]
    where.append(contains(literal_column(SEARCHED), text))
    found = newest_first(
        select(User.id).where(*where), User.id, created_at=User.created_at, within=within, lead={}
    )
    ids = _find(session, found, by_index=has_trigram(text))
    return paginate(
        session, page, select(User).where(User.id.in_(ids)), User.id, max_count=MAX_MATCHES
    )


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


def list_wallets(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID | None,
    number: str | None,
    locked: bool | None,
    currency: str | None,
) -> Page[Any]:
    """Wallets of users with their owners, newest first."""
    lead: Lead = {Wallet.currency: currency} if currency is not None else {}
    where: list[Any] = [Wallet.kind == WalletKind.USER]
    if user_id is not None:
        where.append(Wallet.user_id == user_id)
    if number is not None:
        where.append(Wallet.number == number)
    if locked is not None:
        where.append(Wallet.is_locked if locked else ~Wallet.is_locked)
    return paginate_newest(
        session,
        page,
        select(Wallet, User).join(User, User.id == Wallet.user_id),
        Wallet.id,
        created_at=Wallet.created_at,
        within=ANY_TIME,
        lead=lead,
        where=where,
    )


def list_wallets_of(session: Session, *, user_id: UUID) -> Sequence[Wallet]:
    """One for each currency."""
    return session.scalars(
        select(Wallet).where(Wallet.user_id == user_id).order_by(Wallet.currency)
    ).all()


def get_wallet(session: Session, wallet_id: UUID) -> Wallet | None:
    return session.get(Wallet, wallet_id)
