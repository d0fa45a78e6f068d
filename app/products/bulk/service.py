"""Bulk import and export of a merchant's products. An import is atomic."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.common import clock, csv_export
from app.common.ids import new_id
from app.common.money import AmountInvalid, Money
from app.products.bulk import repository
from app.products.bulk.errors import ImportInvalid, Problems
from app.products.bulk.preview import (
    MAX_LISTED,
    PlannedChange,
    ProductChange,
    planned_update,
)
from app.products.catalogue import invalidate_catalogue
from app.products.categories import service as categories
from app.products.categories.errors import CategoryUnknown
from app.products.errors import ProductNotFound, StockIsCodes, UnauthorizedProductAccess
from app.products.models import ProductKind
from app.products.service import new_product_row

#: Columns that an import can change.
_CHANGEABLE: Final = (
    "name",
    "description",
    "price",
    "is_active",
    "purchase_limit",
    "category_id",
    "meta",
)


#: Products of an export that are read at a time. A description may have 5,000 characters.
BATCH_SIZE: Final = 1000


class ImportRow(NamedTuple):
    """A validated row. values: as loaded by CreateRow or, with an id, by UpdateRow."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The numbers of products that an import creates, changes and leaves unchanged.

    changes: what a dry run would change, up to MAX_LISTED products; None if it was no dry run.
    """

    created: int
    changed: int
    unchanged: int
    changes: Sequence[ProductChange] | None = None

    @property
    def rows(self) -> int:
        return self.created + self.changed + self.unchanged


def import_products(
    session: Session,
    *,
    merchant: User,
    rows: Sequence[ImportRow],
    problems: Problems,
    currency: str,
    dry_run: bool = False,
) -> ImportSummary:
    """Create and update the merchant's products. Changed numbers of units are restocks.

    problems: of invalid rows, to be reported together with those found here. currency: of new
    products. dry_run: validate only. Raises ImportInvalid, QuotaExceeded, and then changes nothing.
    """
    rows, problems = _with_category_ids(session, rows, problems)
    ids = {row.values["id"] for row in rows if "id" in row.values}
    found = repository.get_products(session, ids)
    plan = _plan(rows, found, merchant=merchant, currency=currency, problems=problems)
    if plan.inserts:
        quotas.require_room(
            session, user_id=merchant.id, quota=Quota.PRODUCTS, units=len(plan.inserts)
        )
    if not dry_run and plan.updates:
        # Only products that change are locked, because purchases wait for them, and then compared
        # again.
        changing = [update["id"] for update in plan.updates]
        found |= repository.get_products(session, changing, lock=True)
        plan = _plan(rows, found, merchant=merchant, currency=currency, problems=problems)
    changes = _preview(session, plan.planned) if dry_run else None
    if not dry_run:
        _write(session, plan, merchant)
    return ImportSummary(len(plan.inserts), len(plan.updates), plan.unchanged, changes)


def _preview(session: Session, planned: Sequence[PlannedChange]) -> Sequence[ProductChange]:
    ids = set[UUID]().union(*(each.category_ids for each in planned))
    slugs = categories.get_slugs(session, ids)
    return [each.shown(slugs) for each in planned]


def _with_category_ids(
    session: Session, rows: Iterable[ImportRow], problems: Problems
) -> tuple[list[ImportRow], Problems]:
    """The rows with `category_id` instead of the slug `category`. An unknown one is a problem."""
    rows, problems = list(rows), dict(problems)
    slugs = {row.values["category"] for row in rows if row.values.get("category")}
    ids = categories.get_ids(session, slugs)
    found = []
    for line, values in rows:
        slug = values.get("category")
        if slug is not None and slug not in ids:
            problems[line] = CategoryUnknown().details
            continue
        renamed = {name: value for name, value in values.items() if name != "category"}
        if "category" in values:
            renamed["category_id"] = None if slug is None else ids[slug]
        found.append(ImportRow(line, renamed))
    return found, problems


@dataclass(slots=True)
class _Plan:
    """Rows to insert and to update. An update also has the `delta` of the stock.

    planned: the first MAX_LISTED of both.
    """

    inserts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    unchanged: int = 0
    planned: list[PlannedChange] = field(default_factory=list)

    def insert(self, line: int, row: dict[str, Any]) -> None:
        self.inserts.append(row)
        if len(self.planned) < MAX_LISTED:
            self.planned.append(PlannedChange(line, {}, row, row["currency"]))

    def update(self, line: int, row: dict[str, Any], product: Any) -> None:
        self.updates.append(row)
        if len(self.planned) < MAX_LISTED:
            self.planned.append(planned_update(line, product, row, _CHANGEABLE))


class _RowInvalid(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem


def _plan(
    rows: Iterable[ImportRow],
    found: Mapping[UUID, Any],
    *,
    merchant: User,
    currency: str,
    problems: Problems,
) -> _Plan:
    """found: the existing products by id. Raises ImportInvalid."""
    plan, wrong = _Plan(), dict(problems)
    lines: dict[UUID, int] = {}
    for line, values in rows:
        try:
            if "id" not in values:
                plan.insert(line, _insert(values, merchant, currency))
                continue
            if (first := lines.setdefault(values["id"], line)) != line:
                raise _RowInvalid("id", f"Also in line {first}.")
            product = found.get(values["id"])
            update = _update(values, product, merchant)
        except _RowInvalid as error:
            wrong[line] = {error.field: [error.problem]}
        except AmountInvalid as invalid:
            wrong[line] = invalid.details
        else:
            if update is None:
                plan.unchanged += 1
            else:
                plan.update(line, update, product)
    if wrong:
        raise ImportInvalid(wrong)
    return plan


def _insert(values: Mapping[str, Any], merchant: User, currency: str) -> dict[str, Any]:
    if values.get("currency", currency) != currency:
        raise _RowInvalid("currency", f"Must be {currency}.")
    return new_product_row(**{**values, "currency": currency}, merchant_id=merchant.id)


def _update(values: Mapping[str, Any], product: Any, merchant: User) -> dict[str, Any] | None:
    """The row to update, or None if nothing changes."""
    if product is None or product.deleted_at is not None:
        raise _RowInvalid("id", ProductNotFound.message)
    if product.merchant_id != merchant.id:
        raise _RowInvalid("id", UnauthorizedProductAccess.message)
    if values.get("kind", product.kind) != product.kind:
        raise _RowInvalid("kind", f"Must be {product.kind}: the kind cannot be changed.")
    if values.get("currency", product.currency) != product.currency:
        raise _RowInvalid("currency", f"Must be {product.currency}.")
    delta = values.get("available_units", product.available_units) - product.available_units
    if delta and ProductKind(product.kind).has_uploaded_stock:
        raise _RowInvalid("availableUnits", StockIsCodes.message)
    before = {name: getattr(product, name) for name in _CHANGEABLE}
    after = before | {name: values[name] for name in _CHANGEABLE if name in values}
    if "price" in values:
        after["price"] = Money.of(values["price"], product.currency, field="price").minor
    return None if after == before and not delta else {"id": product.id, "delta": delta} | after


def _write(session: Session, plan: _Plan, merchant: User) -> None:
    now = clock.now()
    repository.insert_products(session, plan.inserts)
    repository.update_products(session, plan.updates, now)
    repository.insert_restocks(
        session,
        [
            {
                "id": new_id(),
                "product_id": update["id"],
                "actor_id": merchant.id,
                "delta": update["delta"],
                "created_at": now,
            }
            for update in plan.updates
            if update["delta"]
        ],
    )
    if plan.inserts or plan.updates:
        invalidate_catalogue(session)


def export(
    *, merchant_id: UUID, reading: Callable[[], AbstractContextManager[Session]], **filters: Any
) -> Iterator[bytes]:
    """The merchant's products that are not deleted as CSV (see `csv_export.export`).

    filters: q, kind, availability, max_units.
    """
    read = partial(repository.export, merchant_id=merchant_id, **filters)
    return csv_export.export(repository.EXPORTED, read, size=BATCH_SIZE, reading=reading)
