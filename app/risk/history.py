"""What users have paid and tried to pay, as rules look back on it.

Every decision has the totals of its user so far, so what happened in a window is the totals now
less those before the first decision in it: one step in an index, however many there are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.networks import network_of
from app.risk import repository
from app.risk.attempt import Attempt, Origin
from app.risk.conditions import WINDOWS, Window
from app.risk.models import RiskDecision

#: Sums start again at zero when they reach it: only the difference of two of them matters.
TOTALS_MODULUS: Final = 2**63


class Totals(NamedTuple):
    """Of a user's decisions in a currency: of those approved or under review their number and sum
    in minor units, and the number of the others."""

    payments: int = 0
    sum: int = 0
    refused: int = 0


NOTHING: Final = Totals()


class Known(NamedTuple):
    """Whether the device and the address of a request have been known for a day."""

    device: bool
    address: bool


@dataclass(slots=True)
class Profile:
    """What is known about a payer, whose wallet is locked.

    has_proven_email: whether the user is known to receive what is sent to `email`; ordinal: of the
    last decision, 0 if there is none; totals: with all attempts so far; before: those before the
    first decision in each window, without windows that have none; last_at: time of the last
    decision; payees: of this transaction's attempts.
    """

    user_id: UUID
    email: str | None
    has_proven_email: bool
    created_at: datetime
    time_zone: str
    ordinal: int = 0
    totals: Totals = NOTHING
    before: Mapping[Window, Totals] = field(default_factory=dict)
    last_at: datetime | None = None
    payees: list[UUID] = field(default_factory=list)
    _receivers: dict[Window, set[UUID]] = field(default_factory=dict)
    _first_totals: Totals = NOTHING
    _known: dict[tuple[Any, ...], Known] = field(default_factory=dict)
    _devices: dict[UUID, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._first_totals = self.totals

    def start_of(self, window: Window) -> Totals:
        """The totals at the start of a window: what has happened in it is the difference of
        `totals`, which have the attempts of this transaction as well."""
        return self.before.get(window, self._first_totals)

    def count(self, attempt: Attempt, *, is_counted: bool) -> None:
        """Add an attempt to the totals. is_counted: whether it was approved or is under review."""
        self.ordinal += 1
        count, amount, refused = self.totals
        if is_counted:
            self.totals = Totals(count + 1, (amount + attempt.amount) % TOTALS_MODULUS, refused)
            if attempt.payee_id is not None:
                self.payees.append(attempt.payee_id)
        else:
            self.totals = Totals(count, amount, refused + 1)

    def receivers(
        self, session: Session, currency: str, window: Window, now: datetime
    ) -> set[UUID]:
        """Everyone whom the user has paid in a window. Read once in a transaction."""
        if window not in self._receivers:
            self._receivers[window] = repository.get_receivers(
                session, user_id=self.user_id, currency=currency, since=now - WINDOWS[window]
            )
        return self._receivers[window].union(self.payees)

    def is_known(self, session: Session, origin: Origin, now: datetime) -> Known:
        """Whether device and address of a request have been known for a day. Read once for each."""
        key = origin.session_id, origin.agent, origin.network
        if key not in self._known:
            earlier = repository.get_known(
                session,
                user_id=self.user_id,
                session_id=origin.session_id,
                agent=origin.agent,
                since=now - WINDOWS[Window.DAY],
            )
            networks = {network_of(address) for address in earlier.addresses}
            self._known[key] = Known(earlier.device, origin.network in networks)
        return self._known[key]

    def device_of(self, session: Session, session_id: UUID | None) -> str | None:
        """The ID of the device of a session. Read once for each."""
        if session_id is None:
            return None
        if session_id not in self._devices:
            self._devices[session_id] = repository.get_device(session, session_id)
        return self._devices[session_id]


@dataclass(frozen=True, slots=True)
class Lookback:
    """What rules look back on, as a part of a query that has a row for each payer: a statement of
    its own would cost as much as it reads.

    columns, joins: SQL for `users u`; values: placeholders besides `currency`; since: the starts of
    the windows, the longest first.
    """

    columns: str = ""
    joins: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    since: Mapping[Window, datetime] = field(default_factory=dict)

    @classmethod
    def on(cls, windows: Sequence[Window], now: datetime) -> "Lookback":
        """windows: those that end now and matter, the shortest first."""
        since = {window: now - WINDOWS[window] for window in reversed(windows)}
        names = {window: window.lower() for window in since}
        columns, joins = repository.select_history(tuple(names.values()))
        values = {f"since_{names[window]}": start for window, start in since.items()}
        return cls(f", {columns}", joins, values, since)

    def profile(self, row: Any) -> Profile:
        """row: of the query."""
        has_proven_email = row.email_verified_at is not None
        if row.ordinal is None:
            return Profile(
                row.user_id, row.email_key, has_proven_email, row.created_at, row.time_zone
            )
        last_at = row.last_at
        totals = first = Totals(row.l_count, row.l_sum, row.l_refused)
        before = {}
        for window, start in self.since.items():
            if last_at <= start:
                break
            values = _totals_in(window)(row)
            if values[0] is not None:
                first = Totals(*values)
            before[window] = first
        return Profile(
            row.user_id,
            row.email_key,
            has_proven_email,
            row.created_at,
            row.time_zone,
            row.ordinal,
            totals,
            before,
            last_at,
        )


@cache
def _totals_in(window: Window) -> Callable[[Any], Any]:
    name = window.lower()
    return attrgetter(f"{name}_count", f"{name}_sum", f"{name}_refused")


def insert_decisions(session: Session, decisions: Iterable[RiskDecision]) -> None:
    """decisions: of the class RiskDecisionRow."""
    repository.insert_decisions(session, decisions)
