"""SQL of payouts, on-ramps and inbound events, for administrators."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, bindparam, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.auth.models import User
from app.common.id_ranges import Lead, equal, leading, paginate_newest
from app.common.pagination import Page, PageRequest
from app.common.time_range import TimeRange
from app.inbox.models import InboundEvent, InboundEventStatus
from app.onramp.models import Onramp
from app.payouts.bank_accounts.models import BankAccount
from app.payouts.models import Payout


def _literal(value: str) -> BindParameter[str]:
    """For conditions of partial indexes, so that PostgreSQL can prove that they hold."""
    return bindparam(None, value, literal_execute=True)


_QUARANTINED: Final = InboundEvent.status == _literal(InboundEventStatus.QUARANTINED.value)


def _one_of(
    key: InstrumentedAttribute[UUID], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether one of the conditions holds: a look-up by index for each, instead of reading all rows
    for one OR."""
    first, *others = (select(key).where(condition) for condition in conditions)
    return key.in_(first.union_all(*others))


def list_payouts(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID | None,
    provider: str | None,
    status: str | None,
    flagged: bool | None,
    reference: str | None,
    reference_id: UUID | None,
    within: TimeRange,
) -> Page[Any]:
    """Payouts with bank account and user, newest first.

    flagged: only those that need attention, or do not; reference: the bank's, reference_id: ours.
    """
    filters = {Payout.user_id: user_id, Payout.status: status, Payout.provider: provider}
    # A reference leads to few rows, so nothing else has to.
    lead, where = leading(filters) if reference is None else ({}, equal(filters))
    if flagged is not None:
        where.append(Payout.flagged_at.is_not(None) if flagged else Payout.flagged_at.is_(None))
    if reference is not None:
        where.append(
            _one_of(
                Payout.id,
                Payout.bank_reference == reference,
                Payout.id == reference_id,
            )
        )
    return paginate_newest(
        session,
        page,
        select(Payout, BankAccount, User)
        .join(BankAccount, BankAccount.id == Payout.bank_account_id)
        .join(User, User.id == Payout.user_id),
        Payout.id,
        created_at=Payout.created_at,
        within=within,
        lead=lead,
        where=where,
    )


def list_onramps(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID | None,
    provider: str | None,
    status: str | None,
    quarantined: bool,
    reference: str | None,
    reference_id: UUID | None,
    within: TimeRange,
) -> Page[Any]:
    """On-ramps with their users, newest first.

    quarantined: only those of which an event is quarantined; reference: our token or the bank's
    reference, reference_id: our ID.
    """
    filters = {Onramp.user_id: user_id, Onramp.status: status, Onramp.provider: provider}
    # Both lead to few rows, so nothing else has to.
    is_narrow = quarantined or reference is not None
    lead, where = ({}, equal(filters)) if is_narrow else leading(filters)
    if quarantined:
        events = select(InboundEvent.provider, InboundEvent.reference).where(_QUARANTINED)
        where.append(tuple_(Onramp.provider, Onramp.token).in_(events))
    if reference is not None:
        where.append(
            _one_of(
                Onramp.id,
                Onramp.token == reference,
                Onramp.bank_reference == reference,
                Onramp.id == reference_id,
            )
        )
    return paginate_newest(
        session,
        page,
        select(Onramp, User).join(User, User.id == Onramp.user_id),
        Onramp.id,
        created_at=Onramp.created_at,
        within=within,
        lead=lead,
        where=where,
    )


def list_quarantined_events(
    session: Session, references: Sequence[tuple[str, str]]
) -> Sequence[InboundEvent]:
    """The quarantined events with these providers and references, oldest first."""
    return session.scalars(
        select(InboundEvent)
        .where(tuple_(InboundEvent.provider, InboundEvent.reference).in_(references), _QUARANTINED)
        .order_by(InboundEvent.id)
    ).all()


def list_events(
    session: Session,
    page: PageRequest,
    *,
    provider: str | None,
    status: str | None,
    reference: str | None,
    within: TimeRange,
) -> Page[InboundEvent]:
    """Inbound events, newest first. reference: ours or the provider's."""
    has_status = {InboundEvent.status: status}
    has_provider = {InboundEvent.provider: provider}
    lead: Lead
    if reference is not None:
        lead, where = {}, equal(has_status | has_provider)
        where.append(
            _one_of(
                InboundEvent.id,
                InboundEvent.reference == reference,
                InboundEvent.provider_reference == reference,
            )
        )
    elif status in (None, InboundEventStatus.PROCESSED):  # most events, so no index leads to them
        lead, where = leading(has_provider)
        where += equal(has_status)
    else:
        lead, where = leading(has_status | has_provider)
        where.append(InboundEvent.status != _literal(InboundEventStatus.PROCESSED.value))
    return paginate_newest(
        session,
        page,
        select(InboundEvent),
        InboundEvent.id,
        created_at=InboundEvent.received_at,
        within=within,
        lead=lead,
        where=where,
    )


def get_onramp_ids(
    session: Session, references: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """The on-ramps with these providers and tokens."""
    rows = session.execute(
        select(Onramp.provider, Onramp.token, Onramp.id).where(
            tuple_(Onramp.provider, Onramp.token).in_(references)
        )
    )
    return {(row.provider, row.token): row.id for row in rows}
