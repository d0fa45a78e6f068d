"""Polling of external systems: rows whose outcome an external system decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Mapped, mapped_column

from app.common import clock
from app.common.backoff import Backoff


class Polled:
    """Columns of such a row.

    attempts: number of requests since the external system last reported a change;
    next_attempt_at: when the next request is due, None once the outcome is known; flagged_at: when
    the row was marked for an operator.
    """

    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None]
    flagged_at: Mapped[datetime | None]

    def flag(self) -> bool:
        """Mark the row for an operator. Returns whether it was not marked before."""
        is_new = self.flagged_at is None
        self.flagged_at = self.flagged_at or clock.now()
        return is_new


P = TypeVar("P", bound=Polled)


@dataclass(frozen=True, slots=True)
class Polling:
    """The schedule of the requests. max_attempts: after this many, a row is flagged."""

    backoff: Backoff
    max_attempts: int

    def begin(self, row: Polled) -> None:
        """Schedule the first poll, in case no other request or webhook reports a change before."""
        row.attempts, row.next_attempt_at = 0, clock.now() + self.backoff.first

    def schedule_next(self, rows: Sequence[P], *, flag: Callable[[P, str], None]) -> None:
        """Count the attempt that the caller makes now for each row, and schedule the next one.

        flag: called with each row that has reached `max_attempts`, and the reason.
        """
        for row in rows:
            row.attempts += 1
            row.next_attempt_at = clock.now() + self.backoff.delay(row.attempts)
            if row.attempts >= self.max_attempts:
                flag(row, f"no outcome after {row.attempts} attempts")
