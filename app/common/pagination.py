"""Lists in pages: by number for people, by cursor for long walks."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import marshmallow as ma

from app.common.errors import BadRequest
from app.common.fields import Schema, WholeNumber

T = TypeVar("T")

MAX_LIMIT: Final = 100
#: Beyond this many skipped rows a page number costs too much: use the cursor.
MAX_OFFSET: Final = 100_000


class CursorInvalid(BadRequest):
    def __init__(self) -> None:
        super().__init__("Validation failed", details={"cursor": ["Not a cursor of this list."]})


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for.

    after: sort key of the last row already seen, which is what the cursor carries; with it,
    `total` and `page` are carried along too, so that no page ever counts again.
    """

    page: int = 1
    limit: int = 20
    after: tuple[Any, ...] | None = None
    total: int | None = None

    @property
    def offset(self) -> int:
        return 0 if self.after else (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    data: Sequence[T]
    total: int
    page: int
    limit: int
    next_cursor: str | None

    @property
    def meta(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "page": self.page,
            "limit": self.limit,
            "totalPages": -(-self.total // self.limit),
            "nextCursor": self.next_cursor,
        }

    @classmethod
    def of(
        cls,
        request: PageRequest,
        rows: Sequence[T],
        *,
        count: Callable[[], int],
        key: Callable[[T], tuple[Any, ...]],
    ) -> "Page[T]":
        """A page from up to `limit + 1` rows (the extra one only says that there is more)."""
        data = rows[: request.limit]
        total = request.total if request.total is not None else count()
        cursor = None
        if len(rows) > request.limit:
            cursor = _encode(key(data[-1]), total=total, page=request.page + 1)
        return cls(data, total, request.page, request.limit, cursor)


def _encode(after: tuple[Any, ...], *, total: int, page: int) -> str:
    raw = json.dumps([total, page, *after], default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _decode(cursor: str, kinds: tuple[type, ...]) -> tuple[int, int, tuple[Any, ...]]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        decoded: list[Any] = json.loads(base64.b64decode(padded, b"-_", validate=True))
        total, page, *after = (
            _exactly(kind, value) for kind, value in zip((int, int, *kinds), decoded, strict=True)
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise CursorInvalid from error
    if total < 0 or page < 1:
        raise CursorInvalid
    return total, page, tuple(after)


def _exactly(kind: type, value: Any) -> Any:
    if kind is UUID and isinstance(value, str):
        return UUID(value)
    if kind is int and type(value) is int and -(2**63) <= value < 2**63:
        return value
    if kind is str and isinstance(value, str) and "\0" not in value:
        return value
    raise CursorInvalid


class PageArgs(Schema):
    """`?page=1&limit=20` or `?cursor=…`."""

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
            "description": "`meta.nextCursor` of the page before: walks a list of any length in "
            "constant time per page. Overrides `page`."
        }
    )

    class Meta:
        unknown = ma.EXCLUDE


def page_request(args: dict[str, Any], *, key: tuple[type, ...]) -> PageRequest:
    """Take the paging arguments out of `args`. key: types of the list's sort key.

    Raises CursorInvalid, and BadRequest for a page so deep that only the cursor may go there.
    """
    page, limit, cursor = args.pop("page"), args.pop("limit"), args.pop("cursor", None)
    if cursor is not None:
        total, page, after = _decode(cursor, key)
        return PageRequest(page, limit, after, total)
    if (page - 1) * limit > MAX_OFFSET:
        raise BadRequest(details={"page": ["Too deep: walk the list with `cursor`."]})
    return PageRequest(page, limit)


class PageMeta(ma.Schema):
    """Where in a list a page stands."""

    total = ma.fields.Integer(required=True)
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    totalPages = ma.fields.Integer(required=True)  # noqa: N815 – the wire's name
    nextCursor = ma.fields.String(required=True, allow_none=True)  # noqa: N815


def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of a page of `item`."""
    return ma.Schema.from_dict(
        {
            "data": ma.fields.List(ma.fields.Nested(item), required=True),
            "meta": ma.fields.Nested(PageMeta, required=True),
        },
        name=item.__name__.removesuffix("Out") + "List",
    )
