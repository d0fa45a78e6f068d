"""SQL of payouts, on-ramps and inbound events, for administrators."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, bindparam, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.auth.models import User
from app.common.csv_export import boolean_cell, money_cell, text_cell, time_cell
from app.common.id_ranges import Lead, Listing, equal, leading
from app.common.ids import parse_id
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


def _payout_filters(
    *,
    user_id: UUID | None = None,
    provider: str | None = None,
    status: str | None = None,
    flagged: bool | None = None,
    reference: str | None = None,
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`.

    flagged: only those that need attention, or do not; reference: ours or the bank's.
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
                Payout.id == parse_id(reference),
            )
        )
    return {"lead": lead, "where": where}


#: Payouts with bank account and user; filters: see `_payout_filters`.
PAYOUTS: Final = Listing(
    select(Payout, BankAccount, User)
    .select_from(Payout)
    .join(BankAccount, BankAccount.id == Payout.bank_account_id)
    .join(User, User.id == Payout.user_id),
    Payout.id,
    created_at=Payout.created_at,
    filters=_payout_filters,
    cells={
        "payoutId": Payout.id,
        "createdAt": time_cell(Payout.created_at),
        "userId": Payout.user_id,
        "email": text_cell(User.email),
        "provider": text_cell(Payout.provider),
        "accountEnd": BankAccount.number_end,
        "status": Payout.status,
        "amount": money_cell(Payout.amount, Payout.currency),
        "currency": Payout.currency,
        "bankReference": text_cell(Payout.bank_reference),
        "reason": text_cell(Payout.reason),
        "submittedAt": time_cell(Payout.submitted_at),
        "settledAt": time_cell(Payout.settled_at),
        "flaggedAt": time_cell(Payout.flagged_at),
    },
)


def _onramp_filters(
    *,
    user_id: UUID | None = None,
    provider: str | None = None,
    status: str | None = None,
    quarantined: bool = False,
    reference: str | None = None,
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`.

    quarantined: only those of which an event is quarantined; reference: our token or ID, or the
    bank's reference.
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
                Onramp.id == parse_id(reference),
            )
        )
    return {"lead": lead, "where": where}


#: On-ramps with their users; filters: see `_onramp_filters`.
ONRAMPS: Final = Listing(
    select(Onramp, User).select_from(Onramp).join(User, User.id == Onramp.user_id),
    Onramp.id,
    created_at=Onramp.created_at,
    filters=_onramp_filters,
    cells={
        "onrampId": Onramp.id,
        "createdAt": time_cell(Onramp.created_at),
        "userId": Onramp.user_id,
        "email": text_cell(User.email),
        "provider": text_cell(Onramp.provider),
        "status": Onramp.status,
        "amount": money_cell(Onramp.amount, Onramp.currency),
        "currency": Onramp.currency,
        "bankReference": text_cell(Onramp.bank_reference),
        "failureReason": text_cell(Onramp.failure_reason),
        "late": boolean_cell(Onramp.late),
        "closedAt": time_cell(Onramp.closed_at),
    },
)


def _event_filters(
    *, provider: str | None = None, status: str | None = None, reference: str | None = None
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`. reference: ours or the provider's."""
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
    return {"lead": lead, "where": where}


#: Inbound events; filters: see `_event_filters`.
EVENTS: Final = Listing(
    select(InboundEvent),
    InboundEvent.id,
    created_at=InboundEvent.received_at,
    filters=_event_filters,
    cells={
        "inboundEventId": InboundEvent.id,
        "receivedAt": time_cell(InboundEvent.received_at),
        "provider": text_cell(InboundEvent.provider),
        "eventId": text_cell(InboundEvent.event_id),
        "type": text_cell(InboundEvent.type),
        "status": InboundEvent.status,
        "reference": text_cell(InboundEvent.reference),
        "providerReference": text_cell(InboundEvent.provider_reference),
        "amount": money_cell(InboundEvent.amount, InboundEvent.currency),
        "currency": text_cell(InboundEvent.currency),
        "lastError": text_cell(InboundEvent.last_error),
        "processedAt": time_cell(InboundEvent.processed_at),
    },
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
