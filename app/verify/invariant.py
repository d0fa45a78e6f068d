"""The type of an invariant, and the records that a run checks."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.common.ids import first_id
from app.wallets.models import WINDOWS

#: A record may be this much older than another one that belongs to it and has a newer id: a
#: purchase and its postings, a movement and its event. Also covers clocks that differ.
_MARGIN: Final = timedelta(days=1)
_SMALLEST_ID: Final = UUID(int=0)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A condition that must always be true.

    sql: selects the rows that violate it, with the parameters of `Scope`. since_sql: the same among
    recent records, if `sql` has to read all of them. whole: whether only a full run can check it.
    """

    name: str
    sql: str
    since_sql: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The records that a run checks: all of them, or those created since a moment.

    Ids are UUIDs version 7, so they select records by time and by the primary key.

    first: smallest id of a checked record; related: of a record that may belong to one; recorded:
    of a record whose events have not been pruned, and when it was created; window: of a posting in
    the longest window of a limit on a checked one.
    """

    since: datetime | None
    first: UUID
    related: UUID
    recorded: UUID
    recorded_since: datetime
    window: UUID

    @classmethod
    def starting(cls, since: datetime | None, *, events_since: datetime | None = None) -> "Scope":
        """since: None for all records; events_since: when the oldest complete events occurred."""
        moments = [moment for moment in (since, events_since) if moment is not None]
        recorded_since = max(moments, default=_BEGINNING)
        recorded = first_id(recorded_since) if moments else _SMALLEST_ID
        if since is None:
            return cls(None, _SMALLEST_ID, _SMALLEST_ID, recorded, recorded_since, _SMALLEST_ID)
        return cls(
            since,
            first_id(since),
            first_id(since, shift=-_MARGIN),
            recorded,
            recorded_since,
            first_id(since, shift=-max(WINDOWS.values()) - _MARGIN),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since or _BEGINNING}

    def sql_of(self, invariant: Invariant) -> str | None:
        """The query of an invariant in this scope; None if only a full run can check it."""
        if self.since is None:
            return invariant.sql
        return None if invariant.whole else invariant.since_sql or invariant.sql
