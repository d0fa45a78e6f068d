"""Reconciliation: what a bank has booked beside what we have, and closing what is safe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.banks.providers import Provider
from app.banks.types import BankEventType
from app.common.money import Money
from app.inbox import service as inbox
from app.reconciliation import repository
from app.reconciliation.comparison import (
    Action,
    Finding,
    Key,
    Outcome,
    Record,
    compare,
    has_moved,
)
from app.reconciliation.errors import StatementInvalid
from app.reconciliation.statement import Direction, Line

_AT_ONCE: Final = 5_000
_LONGEST_PERIOD: Final = timedelta(days=366)

_TOLD: Final = {
    Direction.CREDIT: BankEventType.PAYMENT_SUCCEEDED,
    Direction.DEBIT: BankEventType.PAYOUT_PAID,
}


@dataclass(slots=True)
class Report:
    """The findings for one bank and period. since, until: days in UTC, both included."""

    provider: str
    since: date
    until: date
    findings: list[Finding] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(finding.outcome is outcome for finding in self.findings)

    def count_done(self, action: Action) -> int:
        return sum(finding.action is action for finding in self.findings)

    @property
    def differences(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.outcome is not Outcome.MATCHED]

    @property
    def is_settled(self) -> bool:
        """Whether there is no difference, or none that is left."""
        return all(finding.action is Action.CLOSED for finding in self.differences)


def check(
    session: Session,
    *,
    provider: Provider,
    lines: Sequence[Line],
    since: date | None = None,
    until: date | None = None,
) -> Report:
    """Compare a statement with our records; nothing is changed.

    since, until: the period, from the first to the last day of the statement unless they are
    given. Lines of other days are left out. What we have is missed in the statement only if it
    began and ended within the period (days in UTC): else it may be in the one before or after.
    Raises StatementInvalid when there is no period.
    """
    days = [line.date for line in lines]
    since, until = since or min(days, default=None), until or max(days, default=None)
    if since is None or until is None:
        raise StatementInvalid({"statement": ["is empty; name the period that it is about"]})
    if since > until:
        raise StatementInvalid({"from": ["is after the end of the period"]})
    if until - since > _LONGEST_PERIOD or until == date.max:
        raise StatementInvalid({"to": ["is more than a year after the beginning"]})
    within = [line for line in lines if since <= line.date <= until]
    ours = {record.key: record for record in _named(session, provider, within)}
    expected = list(_expected(session, provider, since, until))
    return Report(provider.code, since, until, compare(within, ours=ours, expected=expected))


def _named(session: Session, provider: Provider, lines: Sequence[Line]) -> Iterator[Record]:
    """Our records of which the lines speak."""
    tokens = [line.reference for line in lines if line.direction is Direction.CREDIT]
    for some in _portions(tokens):
        rows = repository.onramps_called(session, provider=provider.code, tokens=some)
        yield from (_record(Direction.CREDIT, row) for row in rows)
    named = [line.reference for line in lines if line.direction is Direction.DEBIT]
    for ids in _portions([found for text in named if (found := _id(text)) is not None]):
        rows = repository.payouts_called(session, provider=provider.code, ids=ids)
        yield from (_record(Direction.DEBIT, row) for row in rows)


def _expected(session: Session, provider: Provider, since: date, until: date) -> Iterator[Record]:
    """Our records that the bank must have booked within these days."""
    period: dict[str, Any] = {
        "provider": provider.code,
        "since": datetime.combine(since, time.min, UTC),
        "until": datetime.combine(until, time.min, UTC) + timedelta(days=1),
    }
    for row in repository.onramps_within(session, **period):
        yield _record(Direction.CREDIT, row)
    for row in repository.payouts_within(session, **period):
        yield _record(Direction.DEBIT, row)


def _portions(things: list[Any]) -> Iterator[list[Any]]:
    return (things[start : start + _AT_ONCE] for start in range(0, len(things), _AT_ONCE))


def _record(direction: Direction, row: Any) -> Record:
    money = Money(row.amount, row.currency)
    return Record(direction, str(row.reference), row.id, row.user_id, money, row.status)


def _id(text: str) -> UUID | None:
    """The payout's id that a bank names, if it can be one."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def tell(
    session: Session, *, finding: Finding, provider: Provider, actor_id: UUID | None
) -> UUID | None:
    """Take a line that can be closed for the word of the bank: store it in the inbox.

    From there it takes effect as a webhook would, once, whatever comes of the webhook itself.
    actor_id: who has decided that, None for the command line. Returns the inbox's id of it, None
    if that was done before.
    """
    line, ours = finding.line, finding.ours
    if finding.action is not Action.CAN_CLOSE or line is None or ours is None:
        raise ValueError(f"{finding.outcome} is not for a program to close")
    facts = {
        "date": line.date.isoformat(),
        "direction": line.direction.value,
        "reference": line.reference,
        "bankReference": line.bank_reference,
        "amount": str(line.money),
        "currency": line.money.currency,
    }
    stored = inbox.receive(
        session,
        provider=provider.code,
        event_id=f"statement:{line.reference}",
        event_type=_TOLD[line.direction].value,
        body=",".join(facts.values()),
        reference=line.reference,
        amount=line.money.minor,
        currency=line.money.currency,
        user_id=str(ours.user_id) if line.direction is Direction.CREDIT else None,
        provider_reference=line.bank_reference,
        reason=None,
    )
    if stored is not None:
        audit.record(
            session,
            actor_id=actor_id,
            action="reconciliation.close",
            target_type="onramp" if line.direction is Direction.CREDIT else "payout",
            target_id=ours.id,
            reason="booked by the bank",
            details={"provider": provider.code} | facts,
        )
    return stored


def closed(session: Session, *, finding: Finding, provider: Provider) -> Finding:
    """The finding, with what came of it once the bank's word has taken effect or not."""
    lines = [finding.line] if finding.line is not None else []
    found: dict[Key, Record] = {r.key: r for r in _named(session, provider, lines)}
    now = found.get(finding.ours.key) if finding.ours is not None else None
    done = now is not None and has_moved(now)
    return replace(
        finding, ours=now or finding.ours, action=Action.CLOSED if done else Action.NOT_CLOSED
    )
