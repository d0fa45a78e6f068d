"""Lists of rows, newest or oldest first, each read in one range of an index that ends with the ID.

IDs are ordered by creation time (UUIDv7), so a period is a range of IDs, with a tolerance, whose
exact timestamps are then compared. Rows are compared as `(lead, id)`: only an index with these
leading columns supports that, so PostgreSQL cannot choose to read the rows of everybody instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.common.csv_export import CsvBatch, batch_of
from app.common.ids import first_id
from app.common.pagination import AnySelect, Page, PageRequest, paginate
from app.common.time_range import ANY_TIME, TimeRange

#: Maximum difference between the time in an ID and the timestamp of its row: the ID is created when
#: a request arrives, and clocks of several machines differ.
SLACK: Final = timedelta(hours=1)

_MIN_ID: Final = UUID(int=0)
_MAX_ID: Final = UUID(int=2**128 - 1)

#: Values of the columns that precede the ID in an index.
Lead: TypeAlias = Mapping[InstrumentedAttribute[Any], Any]


def leading(
    filters: Mapping[InstrumentedAttribute[Any], Any],
) -> tuple[dict[InstrumentedAttribute[Any], Any], list[ColumnElement[bool]]]:
    """`lead` and `where` for rows with these values; None: any value.

    filters: the first of them that is used leads, so those that leave the fewest rows come first.
    Each column precedes the ID in an index.
    """
    used = {column: value for column, value in filters.items() if value is not None}
    first = next(iter(used), None)
    lead = {first: used.pop(first)} if first is not None else {}
    return lead, equal(used)


def equal(filters: Mapping[InstrumentedAttribute[Any], Any]) -> list[ColumnElement[bool]]:
    """Conditions for rows with these values; None: any value."""
    return [column == value for column, value in filters.items() if value is not None]


def ids_within(since: datetime | None, until: datetime | None) -> tuple[UUID, UUID]:
    """The first ID of a period, and the first ID after it. None: from or to the end."""
    return (
        first_id(since, shift=-SLACK) if since is not None else _MIN_ID,
        first_id(until, shift=SLACK) if until is not None else _MAX_ID,
    )


def newest_first(
    query: AnySelect,
    key: InstrumentedAttribute[UUID],
    *,
    created_at: InstrumentedAttribute[Any],
    within: TimeRange,
    lead: Lead,
    below: UUID | None = None,
) -> AnySelect:
    """The rows of `query` created within that time, newest first.

    key: the ID; lead: may be empty; below: only rows with a smaller ID.
    """
    return _created_within(
        query, key, created_at=created_at, within=within, lead=lead, below=below
    ).order_by(*(column.desc() for column in (*lead, key)))


def _created_within(
    query: AnySelect,
    key: InstrumentedAttribute[UUID],
    *,
    created_at: InstrumentedAttribute[Any],
    within: TimeRange,
    lead: Lead,
    above: UUID | None = None,
    below: UUID | None = None,
) -> AnySelect:
    """As `newest_first`, in no order. above: only rows with this ID or a larger one."""
    if within.since is not None:
        query = query.where(created_at >= within.since)
    if within.until is not None:
        query = query.where(created_at < within.until)
    first, beyond = ids_within(within.since, within.until)
    if above is not None:
        first = max(first, above)
    if below is not None:
        beyond = min(beyond, below)
    position: ColumnElement[Any] = tuple_(*lead, key)
    return query.where(
        position >= tuple_(*lead.values(), first), position < tuple_(*lead.values(), beyond)
    )


def paginate_newest(
    session: Session,
    page: PageRequest,
    query: AnySelect,
    key: InstrumentedAttribute[UUID],
    *,
    created_at: InstrumentedAttribute[Any],
    within: TimeRange,
    lead: Lead,
    where: Sequence[ColumnElement[bool]] = (),
) -> Page[Any]:
    """A page of those rows of `query` for which `where` holds, newest first if not reversed.

    query: selects the entity of `key`, or rows that begin with it. Its joins change neither the
    number of rows nor what `where` refers to. The rest as in `newest_first`. Raises CursorInvalid.
    """
    seen, *_ = page.last_seen(key) or (None,)
    ranged: Any = {"created_at": created_at, "within": within, "lead": lead}
    end = {"above": seen} if page.is_reversed else {"below": seen}
    rows = _created_within(query.where(*where), key, **end, **ranged)
    by_lead = (column.asc() if page.is_reversed else column.desc() for column in lead)
    return paginate(
        session,
        page,
        rows.order_by(*by_lead),
        key,
        count=newest_first(select(key).where(*where), key, **ranged),
    )


@dataclass(frozen=True)
class Listing:
    """Rows that are read by page and exported as CSV with the same filters, newest first.

    query: selects the entity of `key`, or rows that begin with it, as for `paginate_newest`.
    filters: returns `lead` and `where`, as of `paginate_newest`, for the filters of a request.
    cells: the SQL of each column of the export.
    """

    query: AnySelect
    key: InstrumentedAttribute[UUID]
    created_at: InstrumentedAttribute[Any]
    filters: Callable[..., dict[str, Any]]
    cells: Mapping[str, Any]

    def read_page(
        self, session: Session, page: PageRequest, *, within: TimeRange = ANY_TIME, **filters: Any
    ) -> Page[Any]:
        """A page of the rows created within that time. Raises CursorInvalid."""
        return paginate_newest(
            session,
            page,
            self.query,
            self.key,
            created_at=self.created_at,
            within=within,
            **self.filters(**filters),
        )

    def read_csv(
        self,
        session: Session,
        *,
        limit: int,
        below: UUID | None = None,
        within: TimeRange = ANY_TIME,
        **filters: Any,
    ) -> CsvBatch:
        """The first `limit` of the rows created within that time. below: only rows with a smaller
        ID."""
        found = self.filters(**filters)
        rows = newest_first(
            self.query.where(*found["where"]),
            self.key,
            created_at=self.created_at,
            within=within,
            lead=found["lead"],
            below=below,
        )
        return CsvBatch(*session.execute(batch_of(rows, self.cells, self.key, limit=limit)).one())
