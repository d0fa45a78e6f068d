"""Comparing what a bank has booked with what we have: pure, without the database."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.common.money import Money
from app.onramp.models import OnrampStatus
from app.payouts.models import PayoutStatus
from app.reconciliation.statement import Direction, Line

#: What a name of ours means: on-ramps are credits, payouts debits.
Key = tuple[Direction, str]


@dataclass(frozen=True, slots=True)
class Record:
    """An on-ramp or a payout of ours."""

    direction: Direction
    reference: str
    id: UUID
    user_id: UUID
    money: Money
    status: str

    @property
    def key(self) -> Key:
        return self.direction, self.reference


#: The statuses that say what the bank says: the money has moved …
_MOVED: Final[Mapping[Direction, str]] = {
    Direction.CREDIT: OnrampStatus.SUCCESS,
    Direction.DEBIT: PayoutStatus.PAID,
}
#: … and those of which the bank only has not told us yet.
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
    """What is done about a difference."""

    NONE = "NONE"
    CAN_CLOSE = "CAN_CLOSE"
    CLOSED = "CLOSED"
    NOT_CLOSED = "NOT_CLOSED"


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one line, or of a record of ours that no line is about."""

    outcome: Outcome
    line: Line | None
    ours: Record | None
    action: Action = Action.NONE


def compare(
    lines: Iterable[Line], *, ours: Mapping[Key, Record], expected: Sequence[Record]
) -> list[Finding]:
    """Findings in the order of the lines, then what should be there and is not.

    ours: what the lines are about; expected: what the bank must have booked in that period.
    """
    seen: Counter[Key] = Counter()
    findings = []
    for line in lines:
        key = (line.direction, line.reference)
        seen[key] += 1
        findings.append(_judge(line, ours.get(key), again=seen[key] > 1))
    findings += [
        Finding(Outcome.MISSING_THERE, None, record)
        for record in expected
        if record.key not in seen
    ]
    return findings


def _judge(line: Line, record: Record | None, *, again: bool) -> Finding:
    if again:
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
    """Whether we say, too, that the money has moved."""
    return record.status == _MOVED[record.direction]
