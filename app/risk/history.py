"""What users have paid and tried to pay, as rules look back on it.

Every decision has the totals of its user so far, so what happened in a window is the totals now
less those before the first decision in it: one step in an index, however many there are.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
    """Of a user's decisions in a currency: of all their number (ordinal), of those approved or
    under review their number and sum in minor units, and the number of the others."""

    ordinal: int = 0
    payments: int = 0
    sum: int = 0
    refused: int = 0


class Known(NamedTuple):
    """Whether the device and the address of a request have been known for a day."""

    device: bool
    address: bool


@dataclass(slots=True)
class Profile:
    """What is known about a payer, whose wallet is locked.

    has_proven_email: whether the user is known to receive what is sent to `email`; totals: with all
    attempts so far; before: those before the first decision in each window, None where there is
    none; last_at: time of the last decision; payees: of this transaction's attempts.
    """

    user_id: UUID
    email: str | None
    has_proven_email: bool
    created_at: datetime
    time_zone: str
    totals: Totals
    before: Mapping[Window, Totals | None]
    last_at: datetime | None
    payees: set[UUID] = field(default_factory=set)
    _receivers: dict[Window, set[UUID]] = field(default_factory=dict)
    _first_totals: Totals = field(default=Totals())
    _known: dict[tuple[Any, ...], Known] = field(default_factory=dict)
    _devices: dict[UUID, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._first_totals = self.totals

    def start_of(self, window: Window) -> Totals:
        """The totals at the start of a window: what has happened in it is the difference of
        `totals`, which have the attempts of this transaction as well."""
        return self.before.get(window) or self._first_totals

    def count(self, attempt: Attempt, *, is_counted: bool) -> Totals:
        """Add an attempt to the totals. is_counted: whether it was approved or is under review."""
        ordinal, count, amount, refused = self.totals
        if is_counted:
            amount = (amount + attempt.amount) % TOTALS_MODULUS
            self.totals = Totals(ordinal + 1, count + 1, amount, refused)
            if attempt.payee_id is not None:
                self.payees.add(attempt.payee_id)
        else:
            self.totals = Totals(ordinal + 1, count, amount, refused + 1)
        return self.totals

    def receivers(
        self, session: Session, currency: str, window: Window, now: datetime
    ) -> set[UUID]:
        """Everyone whom the user has paid in a window. Read once in a transaction."""
        if window not in self._receivers:
            self._receivers[window] = repository.get_receivers(
                session, user_id=self.user_id, currency=currency, since=now - WINDOWS[window]
            )
        return self._receivers[window] | self.payees

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
    rows = repository.query_profiles(
        session,
        user_ids=user_ids,
        currency=currency,
        since={window.lower(): now - WINDOWS[window] for window in windows},
    )

    def read() -> dict[UUID, Profile]:
        return {row.user_id: _profile(row, windows) for row in rows}

    return read


def _profile(row: Any, windows: Sequence[Window]) -> Profile:
    latest, *first = (_totals(row.totals, n) for n in range(len(windows) + 1))
    totals, before = latest or Totals(), dict(zip(windows, first, strict=True))
    return Profile(
        row.user_id,
        row.email_key,
        row.email_verified_at is not None,
        row.created_at,
        row.time_zone,
        totals,
        before,
        row.last_at,
    )


def _totals(values: Sequence[int], n: int) -> Totals | None:
    """The n-th of several totals."""
    start = n * len(Totals._fields)
    return None if values[start] is None else Totals(*values[start : start + len(Totals._fields)])


def insert_decisions(session: Session, decisions: Iterable[RiskDecision]) -> None:
    """decisions: of the class RiskDecisionRow."""
    repository.insert_decisions(session, decisions)
