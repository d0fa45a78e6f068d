"""Pagination of lists, by page number or by cursor."""

import base64
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import marshmallow as ma
from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.selectable import SelectBase

from app.common import encryption
from app.common.errors import BadRequest
from app.common.fields import Schema, WholeNumber
from app.common.process_state import Slot

T = TypeVar("T")
U = TypeVar("U")
#: A column that a list is sorted by.
SortColumn: TypeAlias = InstrumentedAttribute[Any] | KeyedColumnElement[Any]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

MAX_LIMIT: Final = 100
#: Skipping more rows than this costs too much: use the cursor.
MAX_OFFSET: Final = 100_000
#: Rows that are counted at most: an exact count of a long list would read all of it.
MAX_COUNT: Final = 10_000
_SIGNATURE_BYTES: Final = 16
#: Orders of lists.
NEWEST: Final = "newest"
OLDEST: Final = "oldest"

#: Returns whose list the current request reads: its path and its caller.
requested_list: Final[Slot[Callable[[], str]]] = Slot("list of requests")


class CursorInvalid(BadRequest):
    def __init__(self) -> None:
        super().__init__(
            details={"cursor": ["Not a cursor of this list with these filters and this order."]}
        )


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is requested.

    list_id: the list, its reader, its filters and its order: a cursor is valid only for these.
    after: sort key of the last row already seen, as in the cursor. The cursor contains
    `total` and `page` too, so that later pages do not count again. total_is_capped: as of `Page`.
    is_reversed: in the opposite of the list's usual order.
    """

    page: int = 1
    limit: int = 20
    after: tuple[Any, ...] | None = None
    total: int | None = None
    total_is_capped: bool = False
    list_id: str = ""
    is_reversed: bool = False

    @property
    def offset(self) -> int:
        return 0 if self.after else (self.page - 1) * self.limit

    def last_seen(self, *columns: SortColumn) -> tuple[Any, ...] | None:
        """`after` as values of these columns, the sort key of the list; None without a cursor.

        Raises CursorInvalid when it is the cursor of another list.
        """
        if self.after is None:
            return None
        try:
            return tuple(
                _exactly(column.type.python_type, value)
                for column, value in zip(columns, self.after, strict=True)
            )
        except ValueError as error:
            raise CursorInvalid from error


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. total_is_capped: whether it has more rows than were counted."""

    data: Sequence[T]
    total: int
    page: int
    limit: int
    next_cursor: str | None
    total_is_capped: bool = False

    @property
    def meta(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "page": self.page,
            "limit": self.limit,
            "totalPages": -(-self.total // self.limit),
            "nextCursor": self.next_cursor,
            "totalIsCapped": self.total_is_capped,
        }

    def with_data(self, data: Iterable[U]) -> "Page[U]":
        """The same page with other data."""
        return replace(self, data=list(data))  # type: ignore[return-value, arg-type]

    def serialized(self, render: Callable[[T], Any]) -> dict[str, Any]:
        """The page as sent to clients. render: serializes one item."""
        return {"data": [render(item) for item in self.data], "meta": self.meta}


def paginate(
    session: Session,
    page: PageRequest,
    query: AnySelect,
    *by: SortColumn,
    descending: bool = True,
    count: SelectBase | None = None,
    max_count: int | None = None,
) -> Page[Any]:
    """A page of the rows of `query`, ordered by the columns `by`, which identify a row.

    query: selects an entity, a row that begins with the entity of `by`, or the columns of `by`
    among others. It may be ordered already by columns that are equal in all of its rows.
    descending: the usual order, which `page` may reverse.
    count: has as many rows as `query` and is cheaper to count. max_count: rows that are counted at
    most, MAX_COUNT if None. Raises CursorInvalid.
    """
    descending = descending != page.is_reversed
    ordered = _after(page, query, by, descending).order_by(
        *(column.desc() if descending else column.asc() for column in by)
    )
    # The extra row shows whether there are more.
    rows: Sequence[Any] = session.execute(ordered.limit(page.limit + 1).offset(page.offset)).all()
    if len(query.column_descriptions) == 1:
        rows = [row[0] for row in rows]
    data, total, is_capped = rows[: page.limit], page.total, page.total_is_capped
    if total is None:
        total = _total_if_seen(page, len(rows))
        if total is None:
            most = MAX_COUNT if max_count is None else max_count
            total = _count(session, query if count is None else count, most + 1)
            total, is_capped = min(total, most), total > most
    cursor = None
    if len(rows) > page.limit:
        key = _sort_key(data[-1], by)
        following = replace(
            page, page=page.page + 1, after=key, total=total, total_is_capped=is_capped
        )
        cursor = _encode(following)
    return Page(data, total, page.page, page.limit, cursor, is_capped)


def _total_if_seen(page: PageRequest, read: int) -> int | None:
    """The length of a list whose last row is among the `read` rows of this page."""
    ends_here = page.after is None and read <= page.limit and (read or not page.offset)
    return page.offset + read if ends_here else None


def _count(session: Session, counted: SelectBase, limit: int) -> int:
    """The number of rows, up to `limit`."""
    if isinstance(counted, Select):
        rows = counted.order_by(None).limit(limit).subquery()
    else:
        rows = select(counted.subquery()).limit(limit).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0


def paginate_union(
    session: Session,
    page: PageRequest,
    queries: Sequence[AnySelect],
    by: InstrumentedAttribute[Any],
) -> Page[Any]:
    """A page of the union of several queries, descending by the column `by`.

    For queries that each have an index of their own and no row in common: each is read no further
    than the end of the page. Raises CursorInvalid.
    """
    ends = page.offset + page.limit + 1
    heads = [
        _after(page, query, (by,), descending=True).order_by(by.desc()).limit(ends).subquery()
        for query in queries
    ]
    found = aliased(by.class_, union_all(*(head.select() for head in heads)).subquery())
    return paginate(session, page, select(found), getattr(found, by.key), count=union_all(*queries))


def _after(
    page: PageRequest,
    query: AnySelect,
    by: Sequence[SortColumn],
    descending: bool,
) -> AnySelect:
    """The rows of `query` after the last one seen."""
    seen = page.last_seen(*by)
    if seen is None:
        return query
    key: ColumnElement[Any] = tuple_(*by)
    last = tuple_(*(literal(value, column.type) for column, value in zip(by, seen, strict=True)))
    return query.where(key < last if descending else key > last)


def _sort_key(row: Any, by: Sequence[SortColumn]) -> tuple[Any, ...]:
    holder = row if hasattr(row, by[0].key) else row[0]
    return tuple(getattr(holder, column.key) for column in by)


def _encode(page: PageRequest) -> str:
    """The cursor of a page: a signature, and what it signs as JSON."""
    values = [page.total, page.total_is_capped, page.page, *(page.after or ())]
    payload = json.dumps(values, default=str, separators=(",", ":")).encode()
    signed = _signatures(payload, page.list_id)[0] + payload
    return _as_text(signed)


def _as_text(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def _decode(cursor: str, *, limit: int, list_id: str) -> PageRequest:
    """Raises CursorInvalid unless `_encode` made it for this list."""
    try:
        signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except ValueError as error:
        raise CursorInvalid from error
    if _as_text(signed) != cursor:
        raise CursorInvalid
    signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
    if not any(hmac.compare_digest(signature, own) for own in _signatures(payload, list_id)):
        raise CursorInvalid
    total, is_capped, page, *after = json.loads(payload)
    return PageRequest(page, limit, tuple(after), total, is_capped, list_id)


def _signatures(payload: bytes, list_id: str) -> list[bytes]:
    """Signatures of a cursor, one for each of our keys; the first signs new ones."""
    found = encryption.fingerprints(payload, context=f"cursor {list_id}")
    return [signature[:_SIGNATURE_BYTES] for signature in found]


def _exactly(kind: type, value: Any) -> Any:
    if kind is UUID and isinstance(value, str):
        return UUID(value)
    if kind is int and type(value) is int and -(2**63) <= value < 2**63:
        return value
    if kind is str and isinstance(value, str) and "\0" not in value:
        return value
    raise CursorInvalid


class PageArgs(Schema):
    """`?page=1&limit=20` or `?cursor=…`, loaded as one PageRequest: `page`."""

    page = WholeNumber(
        load_default=1, minimum=1, metadata={"description": "Page number, from 1", "example": 1}
    )
    limit = WholeNumber(
        load_default=20,
        minimum=1,
        maximum=MAX_LIMIT,
        metadata={"description": "Rows per page, 1 to 100", "example": 20},
    )
    cursor = ma.fields.String(
        metadata={
            "description": "`meta.nextCursor` of the previous page: reads a list of any length at "
            "a constant cost per page. Overrides `page`."
        }
    )

    @ma.post_load(pass_original=True)
    def _page_request(
        self, args: dict[str, Any], given: Mapping[str, Any], **_: Any
    ) -> dict[str, Any]:
        page, limit, cursor = args["page"], args.pop("limit"), args.pop("cursor", None)
        filters = sorted((k, v) for k, v in given.items() if k not in ("page", "limit", "cursor"))
        list_id = f"{requested_list()()}?{urlencode(filters)}"
        is_reversed = self.is_reversed(args)
        if cursor is not None:
            requested = _decode(cursor, limit=limit, list_id=list_id)
            return args | {"page": replace(requested, is_reversed=is_reversed)}
        if (page - 1) * limit > MAX_OFFSET:
            raise BadRequest(
                details={"page": ["The page is too far from the start; use `cursor`."]}
            )
        requested = PageRequest(page, limit, list_id=list_id, is_reversed=is_reversed)
        return args | {"page": requested}

    def is_reversed(self, args: dict[str, Any]) -> bool:
        """Whether the list is requested in the opposite of its usual order. Consumes the arguments
        that say so."""
        return False


class SortablePageArgs(PageArgs):
    """As PageArgs, for a list that is read newest first, or with `?sort=oldest` oldest first."""

    sort = ma.fields.String(
        load_default=NEWEST,
        validate=ma.validate.OneOf([NEWEST, OLDEST]),
        metadata={"description": "Order of the list"},
    )

    def is_reversed(self, args: dict[str, Any]) -> bool:
        return bool(args.pop("sort") == OLDEST)


class ArrayArgs(PageArgs):
    """As PageArgs, with as many rows as possible by default: clients may expect all of them."""

    limit = WholeNumber(
        load_default=MAX_LIMIT,
        minimum=1,
        maximum=MAX_LIMIT,
        metadata={"description": f"Rows per page, 1 to {MAX_LIMIT}", "example": MAX_LIMIT},
    )
    cursor = ma.fields.String(
        metadata={
            "description": "`nextCursor` in the header `X-Pagination` of the previous page: reads a"
            " list of any length at a constant cost per page. Overrides `page`."
        }
    )


class PageMeta(ma.Schema):
    """The position of a page in its list."""

    total = ma.fields.Integer(
        required=True,
        metadata={"description": f"Number of rows; at most {MAX_COUNT:,} are counted"},
    )
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    totalPages = ma.fields.Integer(  # noqa: N815 – the name in JSON
        required=True,
        metadata={"description": "Pages of the counted rows; go on while `nextCursor` is not null"},
    )
    nextCursor = ma.fields.String(required=True, allow_none=True)  # noqa: N815
    totalIsCapped = ma.fields.Boolean(  # noqa: N815
        required=True,
        metadata={"description": "Whether there are more rows than were counted"},
    )


def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of a page of `item`."""
    return ma.Schema.from_dict(
        {
            "data": ma.fields.List(ma.fields.Nested(item), required=True),
            "meta": ma.fields.Nested(PageMeta, required=True),
        },
        name=item.__name__.removesuffix("Out") + "List",
    )
