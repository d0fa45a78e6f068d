"""Deletes what is older than its retention, so that no table grows without bound."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import retry_transaction
from app.common.ids import first_id
from app.common.process_state import Slot
from app.retention import repository
from app.retention.policy import RULES, Rule

#: Rows per transaction: tens of milliseconds, so that nobody waits for its locks.
BATCH_SIZE: Final = 1000
#: A run ends after this time, because other jobs wait; another one continues.
_MAX_SECONDS: Final = 2.0
#: An event is recorded in the transaction of its record, but may have a slightly older id.
_MARGIN: Final = timedelta(hours=1)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Periods:
    """How long rows are kept, by the name of the setting."""

    by_setting: Mapping[str, timedelta]


#: The periods of this process.
periods: Final[Slot[Periods]] = Slot("retention periods")


def events_since() -> datetime:
    """Records that were created since then still have all their events."""
    return clock.now() - periods().by_setting["retention_events"] + _MARGIN


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a run has done. rows: how many were deleted or cleared; is_complete: whether nothing is
    left to do, except for rules that failed; errors: of those."""

    rows: int
    is_complete: bool
    errors: Sequence[Exception]


def prune() -> Pruned:
    """Apply every rule, for a few seconds at most.

    Rules take turns of a batch each, however much another one has to do and whether it fails.
    """
    ends_at = time.monotonic() + _MAX_SECONDS
    turns = [_Turn(rule) for rule in RULES]
    rows = 0
    errors: list[Exception] = []
    while turns:
        unfinished = []
        for turn in turns:
            try:
                number = turn.take()
            except Exception as error:
                errors.append(error)
                continue
            rows += number
            if number >= BATCH_SIZE:
                unfinished.append(turn)
        turns = unfinished
        if time.monotonic() >= ends_at:
            break
    return Pruned(rows, is_complete=not turns, errors=errors)


class _Turn:
    """Applies a rule, one batch at a time, the oldest rows first."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._after = _bound(rule, _BEGINNING)
        self._before = _bound(rule, clock.now() - periods().by_setting[rule.period])

    def take(self) -> int:
        """Returns the number of rows. Fewer than BATCH_SIZE: there are no others.

        After a full batch it rests for as long as the batch took: at least half of the time is left
        to purchases.
        """
        began_at = time.monotonic()
        batch = partial(_apply_to_batch, rule=self._rule, after=self._after, before=self._before)
        number, last = retry_transaction(batch)
        if number >= BATCH_SIZE:
            self._after = last
            time.sleep(time.monotonic() - began_at)
        return number


def _bound(rule: Rule, moment: datetime) -> datetime | UUID:
    return first_id(moment) if rule.column == "id" else moment


def _apply_to_batch(
    session: Session, *, rule: Rule, after: datetime | UUID, before: datetime | UUID
) -> tuple[int, datetime | UUID]:
    row = repository.apply_to_batch(session, rule, after=after, before=before, limit=BATCH_SIZE)
    return row.number, row.last
