"""Comparing a bank statement with our records: pure functions, no database."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.common.money import Money
from app.onramp.models import OnrampStatus
from app.payouts.models import PayoutStatus
from app.reconciliation.statement import Direction, StatementLine

#: Identifies one of our records: on-ramps are credits, payouts are debits.
Key = tuple[Direction, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One of our on-ramps or payouts."""

    direction: Direction
    reference: str
    id: UUID
    user_id: UUID
    money: Money
    status: str

    @property
    def key(self) -> Key:
        return self.direction, self.reference


#: The status in which our record agrees with the statement: the money has moved.
_MOVED: Final[Mapping[Direction, str]] = {
    Direction.CREDIT: OnrampStatus.SUCCESS,
    Direction.DEBIT: PayoutStatus.PAID,
}
#: The statuses in which only the bank's event is missing.
_OPEN: Final[Mapping[Direction, set[str]]] = {
    Direction.CREDIT: {OnrampStatus.PROCESSING, OnrampStatus.EXPIRED},
    Direction.DEBIT: {PayoutStatus.PENDING, PayoutStatus.SUBMITTED},
}


class Outcome(StrEnum):
    MATCHED = "MATCHED"
    MISSING_HERE = "MISSING_HERE"
    MISSING_THERE = "MISSING_THERE"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    STATUS_DIFFERS = "STATUS_DIFFERS"
    DUPLICATE = "DUPLICATE"


class Action(StrEnum):
    """What has been done about a difference, or could be."""

    NONE = "NONE"
    CAN_CLOSE = "CAN_CLOSE"
    CLOSED = "CLOSED"
    NOT_CLOSED = "NOT_CLOSED"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one line, or for one of our records that is missing in the statement."""

    outcome: Outcome
    line: StatementLine | None
    ours: Record | None
    action: Action = Action.NONE


def compare(
    lines: Iterable[StatementLine], *, ours: Mapping[Key, Record], expected: Sequence[Record]
) -> list[Finding]:
    """Findings in the order of the lines, then our records that are missing in the statement.

    ours: the records that the lines refer to; expected: those that the bank must have booked in
    the period.
    """
    seen: Counter[Key] = Counter()
    findings = []
    for line in lines:
        if not line.reference:
            findings.append(Finding(Outcome.MISSING_HERE, line, None))
            continue
        key = (line.direction, line.reference)
        seen[key] += 1
        findings.append(_compare_line(line, ours.get(key), is_duplicate=seen[key] > 1))
    findings += [
        Finding(Outcome.MISSING_THERE, None, record)
        for record in expected
        if record.key not in seen
    ]
    return findings


def _compare_line(line: StatementLine, record: Record | None, *, is_duplicate: bool) -> Finding:
    if is_duplicate:
        return Finding(Outcome.DUPLICATE, line, record)
    if record is None:
        return Finding(Outcome.MISSING_HERE, line, None)
    if record.money != line.money:
        return Finding(Outcome.AMOUNT_DIFFERS, line, record)
    if record.status == _MOVED[line.direction]:
        return Finding(Outcome.MATCHED, line, record)
    may_close = record.status in _OPEN[line.direction]
    action = Action.CAN_CLOSE if may_close else Action.NONE
    return Finding(Outcome.STATUS_DIFFERS, line, record, action)


def has_moved(record: Record) -> bool:
    """Whether our record says that the money has moved."""
    return record.status == _MOVED[record.direction]
