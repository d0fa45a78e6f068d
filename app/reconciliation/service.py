"""Reconciliation: comparing a bank statement with our records, and closing safe differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.banks.providers import Provider
from app.banks.types import BankEventType
from app.common.ids import new_id, parse_id
from app.common.money import Money
from app.common.time_range import PeriodInvalid
from app.common.time_zone import UTC_ZONE, start_of
from app.inbox import service as inbox
from app.reconciliation import identification, repository
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
from app.reconciliation.statement import Direction, StatementLine

_MAX_PERIOD: Final = timedelta(days=366)

_EVENT_TYPES: Final = {
    Direction.CREDIT: BankEventType.PAYMENT_SUCCEEDED,
    Direction.DEBIT: BankEventType.PAYOUT_PAID,
}


@dataclass(slots=True)
class Report:
    """The findings for one bank and period.

    since, until: days of the time zone, `until` exclusive; outside: the number of lines of other
    days.
    """

    provider: str
    since: date
    until: date
    time_zone: str
    outside: int
    findings: list[Finding] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(finding.outcome is outcome for finding in self.findings)

    def count_action(self, action: Action) -> int:
        return sum(finding.action is action for finding in self.findings)

    @property
    def differences(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.outcome is not Outcome.MATCHED]

    @property
    def is_reconciled(self) -> bool:
        """Whether there are no differences, or all have been closed."""
        return all(finding.action is Action.CLOSED for finding in self.differences)


def compare_statement(
    session: Session,
    *,
    provider: Provider,
    lines: Sequence[StatementLine],
    since: date | None = None,
    until: date | None = None,
    time_zone: str = UTC_ZONE.key,
) -> Report:
    """Compare a statement with our records. Changes nothing.

    since, until: the period in days, `until` exclusive; by default those from the first to the last
    one of the statement. Lines of other days are ignored. A record of ours is reported as missing
    only if it began and ended within the period; otherwise the statement before or after may have
    it. time_zone: IANA name of the zone whose days the bank goes by.
    Raises PeriodInvalid, and StatementInvalid when there is no period.
    """
    days = [line.date for line in lines]
    if not days and (since is None or until is None):
        raise StatementInvalid({"statement": ["is empty; specify the period with from and to"]})
    since, until = since or min(days), until or _day_after(max(days))
    if since >= until:
        raise PeriodInvalid("Must be before `to`.")
    if until - since > _MAX_PERIOD:
        raise PeriodInvalid(f"At most {_MAX_PERIOD.days} days before `to`.")
    within = [line for line in lines if since <= line.date < until]
    within = identification.identify(session, provider=provider.code, lines=within)
    ours = {record.key: record for record in _find_records(session, provider, within)}
    zone = ZoneInfo(time_zone)
    expected = list(_list_expected(session, provider, start_of(since, zone), start_of(until, zone)))
    findings = compare(within, ours=ours, expected=expected)
    return Report(provider.code, since, until, time_zone, len(lines) - len(within), findings)


def _find_records(
    session: Session, provider: Provider, lines: Sequence[StatementLine]
) -> Iterator[Record]:
    """Our records that the lines refer to."""
    tokens = [line.reference for line in lines if line.direction is Direction.CREDIT]
    for row in repository.list_onramps_by_token(session, provider=provider.code, tokens=tokens):
        yield _record(Direction.CREDIT, row)
    named = [line.reference for line in lines if line.direction is Direction.DEBIT]
    ids = [found for text in named if (found := parse_id(text)) is not None]
    for row in repository.list_payouts_by_id(session, provider=provider.code, ids=ids):
        yield _record(Direction.DEBIT, row)


def _list_expected(
    session: Session, provider: Provider, since: datetime, until: datetime
) -> Iterator[Record]:
    """Our records that the bank must have booked between these times."""
    period: dict[str, Any] = {"provider": provider.code, "since": since, "until": until}
    for row in repository.list_successful_onramps(session, **period):
        yield _record(Direction.CREDIT, row)
    for row in repository.list_paid_payouts(session, **period):
        yield _record(Direction.DEBIT, row)


def _day_after(day: date) -> date:
    """Raises PeriodInvalid after the last day that `date` can represent."""
    if day == date.max:
        raise PeriodInvalid(f"The statement has a line of {day}: specify the period.")
    return day + timedelta(days=1)


def _record(direction: Direction, row: Any) -> Record:
    money = Money(row.amount, row.currency)
    return Record(direction, str(row.reference), row.id, row.user_id, money, row.status)


def store_event(
    session: Session, *, finding: Finding, provider: Provider, actor_id: UUID | None
) -> UUID | None:
    """Store a line that can be closed in the inbox, as if the bank had sent its event.

    It is handled like a webhook, once, even if the webhook itself still arrives. actor_id: the
    administrator who decided this, None for the command line. Returns the id of the inbound event,
    None if it has been stored before.
    """
    line, ours = finding.line, finding.ours
    if finding.action is not Action.CAN_CLOSE or line is None or ours is None:
        raise ValueError(f"{finding.outcome} cannot be closed automatically")
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
        event_type=_EVENT_TYPES[line.direction].value,
        body=",".join(facts.values()),
        reference=line.reference,
        amount=line.money.minor,
        currency=line.money.currency,
        user_id=str(ours.user_id) if line.direction is Direction.CREDIT else None,
        provider_reference=line.bank_reference or None,
        reason=None,
    )
    if stored is not None:
        audit.record(
            session,
            actor_id=actor_id,
            action="reconciliation.close",
            target=("onramp" if line.direction is Direction.CREDIT else "payout", ours.id),
            reason="booked by the bank",
            details={"provider": provider.code} | facts,
        )
    return stored


def record_run(
    session: Session,
    *,
    actor_id: UUID,
    provider: str,
    apply: bool,
    since: date | None = None,
    until: date | None = None,
    time_zone: str = UTC_ZONE.key,
) -> None:
    """Record in the audit log that an administrator reconciles a statement."""
    audit.record(
        session,
        actor_id=actor_id,
        action="reconciliation.run",
        target=("reconciliation", new_id()),
        details={
            "provider": provider,
            "apply": apply,
            "from": since and since.isoformat(),
            "to": until and until.isoformat(),
            "timeZone": time_zone,
        },
    )


def recheck(session: Session, *, finding: Finding, provider: Provider) -> Finding:
    """The finding with the current state of our record, after its event has been handled."""
    lines = [finding.line] if finding.line is not None else []
    found: dict[Key, Record] = {r.key: r for r in _find_records(session, provider, lines)}
    now = found.get(finding.ours.key) if finding.ours is not None else None
    done = now is not None and has_moved(now)
    return replace(
        finding, ours=now or finding.ours, action=Action.CLOSED if done else Action.NOT_CLOSED
    )
