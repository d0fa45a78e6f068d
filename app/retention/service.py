"""Deletes what is older than its retention, so that no table grows without bound."""

import time
from collections.abc import Mapping
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

#: Rows per transaction: a few milliseconds, so that nobody waits for its locks.
BATCH_SIZE: Final = 1000
#: A run ends after this time, because other jobs wait; the next one continues.
_MAX_SECONDS: Final = 5.0
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


def prune() -> int:
    """Apply every rule, for a few seconds at most. Returns the number of rows.

    Each rule has its turn, however much another one has to do and whether it fails.
    Raises ExceptionGroup with the errors of those that failed.
    """
    ends_at = time.monotonic() + _MAX_SECONDS
    total = 0
    errors: list[Exception] = []
    for rule in RULES:
        try:
            total += _apply(rule, ends_at=ends_at)
        except Exception as error:
            errors.append(error)
    if errors:
        raise ExceptionGroup("rules of the retention failed", errors)
    return total


def _apply(rule: Rule, *, ends_at: float) -> int:
    total = 0
    after: datetime | UUID = _bound(rule, _BEGINNING)
    before = _bound(rule, clock.now() - periods().by_setting[rule.period])
    while True:
        batch = partial(_apply_to_batch, rule=rule, after=after, before=before)
        number, last = retry_transaction(batch)
        total += number
        if number < BATCH_SIZE or time.monotonic() >= ends_at:
            return total
        after = last


def _bound(rule: Rule, moment: datetime) -> datetime | UUID:
    return first_id(moment) if rule.column == "id" else moment


def _apply_to_batch(
    session: Session, *, rule: Rule, after: datetime | UUID, before: datetime | UUID
) -> tuple[int, datetime | UUID]:
    row = repository.apply_to_batch(session, rule, after=after, before=before, limit=BATCH_SIZE)
    return row.number, row.last
