"""Rows that another system decides about: it is asked again and again until it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Mapped, mapped_column

from app.common import clock
from app.common.backoff import Backoff


class Polled:
    """Columns of such a row.

    attempts: how often the other system was asked since it last said something new;
    next_attempt_at: when it is asked next, None once it has decided; flagged_at: since when an
    operator should look at the row.
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
    """When the other system is asked. max_attempts: after these an operator should look at it."""

    backoff: Backoff
    max_attempts: int

    def begin(self, row: Polled) -> None:
        """The other system is about to be asked, or to tell by itself: ask if neither happens."""
        row.attempts, row.next_attempt_at = 0, clock.now() + self.backoff.first

    def schedule_next(self, rows: Sequence[P], *, flag: Callable[[P, str], None]) -> None:
        """Count an attempt of each row, which the caller makes now, and set when the next is due.

        flag: called with a row that has had too many attempts, and the reason.
        """
        for row in rows:
            row.attempts += 1
            row.next_attempt_at = clock.now() + self.backoff.delay(row.attempts)
            if row.attempts >= self.max_attempts:
                flag(row, f"no end after {row.attempts} attempts")
