"""What users have paid and tried to pay, as rules look back on it.

Every decision has the totals of its user so far, so what happened in a window is the totals now
less those before the first decision in it: one step in an index, however many there are.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

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


@dataclass(slots=True)
class Profile:
    """What is known about a payer, whose wallet is locked.

    ordinal: of the last decision, 0 if there is none; totals: with all attempts so far; before:
    those before the first decision in each window, without windows that have none; last_at: time of
    the last decision; payees: of this transaction's attempts.
    """

    user_id: UUID
    email: str | None
    created_at: datetime
    time_zone: str
    ordinal: int
    totals: Totals
    before: Mapping[Window, Totals]
    last_at: datetime | None
    payees: set[UUID] = field(default_factory=set)
    _receivers: dict[Window, set[UUID]] = field(default_factory=dict)
    _first_totals: Totals = NOTHING
    _known: dict[tuple[Any, ...], Any] = field(default_factory=dict)
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
                self.payees.add(attempt.payee_id)
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
        return self._receivers[window] | self.payees

    def is_known(self, session: Session, origin: Origin, now: datetime) -> Any:
        """Whether device and address of a request have been known for a day. Read once for each."""
        key = origin.session_id, origin.agent, origin.address
        if key not in self._known:
            self._known[key] = repository.get_known(
                session,
                user_id=self.user_id,
                session_id=origin.session_id,
                agent=origin.agent,
                address=origin.address,
                since=now - WINDOWS[Window.DAY],
            )
        return self._known[key]

    def device_of(self, session: Session, session_id: UUID | None) -> str | None:
        """The ID of the device of a session. Read once for each."""
        if session_id is None:
            return None
        if session_id not in self._devices:
            self._devices[session_id] = repository.get_device(session, session_id)
        return self._devices[session_id]


def query_profiles(
    session: Session,
    *,
    user_ids: Collection[UUID],
    currency: str,
    windows: tuple[Window, ...],
    now: datetime,
) -> Callable[[], dict[UUID, Profile]]:
    """Send the query for payers and their totals; call the result to read them. windows: those
    that end now and matter."""
    since = {window: now - WINDOWS[window] for window in reversed(windows)}
    rows = repository.query_profiles(
        session,
        user_ids=user_ids,
        currency=currency,
        since={window.lower(): start for window, start in since.items()},
    )
    return lambda: {row.user_id: _profile(row, since) for row in rows}


def _profile(row: Any, since: Mapping[Window, datetime]) -> Profile:
    """since: the starts of the windows, the longest first, as `row` has them."""
    ordinal, *values = row.totals
    totals, before = NOTHING, {}
    if ordinal is not None:
        totals = first = Totals(*values[:3])
        for n, (window, start) in enumerate(since.items(), 1):
            if row.last_at <= start:
                break
            if values[3 * n] is not None:
                first = Totals(*values[3 * n : 3 * n + 3])
            before[window] = first
    return Profile(
        row.user_id,
        row.email_key,
        row.created_at,
        row.time_zone,
        ordinal or 0,
        totals,
        before,
        row.last_at,
    )


def insert_decisions(session: Session, decisions: Iterable[RiskDecision]) -> None:
    """decisions: of the class RiskDecisionRow."""
    repository.insert_decisions(session, decisions)
