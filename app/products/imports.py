"""Many products at once: a merchant's table, all of it or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.ids import new_id
from app.common.money import AmountInvalid, Money
from app.products import repository
from app.products.errors import (
    Problems,
    ProductNotFound,
    StockIsCodes,
    TableInvalid,
    UnauthorizedProductAccess,
)
from app.products.models import ProductKind
from app.products.service import list_changes, new_row

#: What a merchant may change of a product.
_CHANGEABLE: Final = ("name", "description", "price", "is_active", "purchase_limit")


class Wish(NamedTuple):
    """A line of a table whose shape is right. values: as `service.create` or, with an id, as
    `service.change` takes them; a currency and a kind may be among them that must be the same."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many products a table makes, changes and leaves as they are."""

    created: int
    changed: int
    unchanged: int

    @property
    def rows(self) -> int:
        return self.created + self.changed + self.unchanged


def take_in(
    session: Session,
    *,
    merchant: User,
    wishes: Sequence[Wish],
    problems: Problems,
    currency: str,
    dry_run: bool = False,
) -> Outcome:
    """Make and change the merchant's products as a table says. New numbers of units are restocks.

    problems: of lines that are no wishes, to be told together with those found here; currency: of
    new products; dry_run: only look. Raises TableInvalid, and nothing is changed then.
    """
    ids = {wish.values["id"] for wish in wishes if "id" in wish.values}
    found = repository.own_rows(session, ids)
    plan = _plan(wishes, found, merchant=merchant, currency=currency, problems=problems)
    if not dry_run and plan.changes:
        # Only what changes is locked, because purchases wait for it, and then it is looked at anew.
        changing = [change["id"] for change in plan.changes]
        found |= repository.own_rows(session, changing, lock=True)
        plan = _plan(wishes, found, merchant=merchant, currency=currency, problems=problems)
    if not dry_run:
        _write(session, plan, merchant)
    return Outcome(len(plan.news), len(plan.changes), plan.unchanged)


@dataclass(slots=True)
class _Plan:
    """What is to be written, column by column. A change has the `delta` of the stock, too."""

    news: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    unchanged: int = 0


class _Refused(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem


def _plan(
    wishes: Iterable[Wish],
    found: Mapping[UUID, Any],
    *,
    merchant: User,
    currency: str,
    problems: Problems,
) -> _Plan:
    """found: the products that are there, by id. Raises TableInvalid."""
    plan, wrong = _Plan(), dict(problems)
    lines: dict[UUID, int] = {}
    for line, values in wishes:
        try:
            if "id" not in values:
                plan.news.append(_new(values, merchant, currency))
                continue
            if (first := lines.setdefault(values["id"], line)) != line:
                raise _Refused("id", f"Also in line {first}.")
            change = _change(values, found.get(values["id"]), merchant)
        except _Refused as refused:
            wrong[line] = {refused.field: [refused.problem]}
        except AmountInvalid as invalid:
            wrong[line] = invalid.details
        else:
            if change is None:
                plan.unchanged += 1
            else:
                plan.changes.append(change)
    if wrong:
        raise TableInvalid(wrong)
    return plan


def _new(values: Mapping[str, Any], merchant: User, currency: str) -> dict[str, Any]:
    if values.get("currency", currency) != currency:
        raise _Refused("currency", f"Must be {currency}.")
    return new_row(**{**values, "currency": currency}, merchant_id=merchant.id)


def _change(values: Mapping[str, Any], product: Any, merchant: User) -> dict[str, Any] | None:
    """What to write; None if the product is so already."""
    if product is None or product.deleted_at is not None:
        raise _Refused("id", ProductNotFound.message)
    if product.merchant_id != merchant.id:
        raise _Refused("id", UnauthorizedProductAccess.message)
    if values.get("kind", product.kind) != product.kind:
        raise _Refused("kind", f"Must be {product.kind}: a kind is for good.")
    if values.get("currency", product.currency) != product.currency:
        raise _Refused("currency", f"Must be {product.currency}.")
    delta = values.get("available_units", product.available_units) - product.available_units
    if delta and ProductKind(product.kind).has_uploaded_stock:
        raise _Refused("availableUnits", StockIsCodes.message)
    before = {name: getattr(product, name) for name in _CHANGEABLE}
    after = before | {name: values[name] for name in _CHANGEABLE if name in values}
    if "price" in values:
        after["price"] = Money.of(values["price"], product.currency, field="price").minor
    return None if after == before and not delta else {"id": product.id, "delta": delta} | after


def _write(session: Session, plan: _Plan, merchant: User) -> None:
    now = clock.now()
    repository.insert_products(session, plan.news)
    repository.update_products(session, plan.changes, now)
    repository.insert_restocks(
        session,
        [
            {
                "id": new_id(),
                "product_id": change["id"],
                "actor_id": merchant.id,
                "delta": change["delta"],
                "created_at": now,
            }
            for change in plan.changes
            if change["delta"]
        ],
    )
    if plan.news or plan.changes:
        list_changes(session)
