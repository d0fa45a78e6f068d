"""Coupons: what they take off a price, how often, and for whom."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.db import constraint_name
from app.common.ids import new_id
from app.common.money import Money, share_of
from app.common.pagination import Page, PageRequest
from app.coupons import repository
from app.coupons.errors import CouponCodeTaken, CouponInvalid, CouponNotFound, CouponUsedUp
from app.coupons.models import Coupon, CouponKind, CouponUse
from app.products import service as products


@dataclass(frozen=True, slots=True)
class Wanted:
    """A coupon that a buyer names for a product. code: in canonical form, upper case."""

    product_id: UUID
    code: str
    user_id: UUID


@dataclass(slots=True)
class Terms:
    """A coupon that this transaction holds, with the uses of everything decided so far.

    value: hundredths of a percent or minor units; by_user: uses of the users that are in it.
    """

    id: UUID
    code: str
    merchant_id: UUID
    product_id: UUID | None
    kind: str
    value: int
    currency: str
    starts_at: datetime | None
    ends_at: datetime | None
    max_uses: int | None
    max_uses_per_user: int | None
    uses: int
    is_active: bool
    by_user: dict[UUID, int] = field(default_factory=dict)
    taken: int = 0

    def discount(
        self, amount: int, *, currency: str, product_id: UUID, user_id: UUID, now: datetime
    ) -> int:
        """What it takes off `amount` minor units, at most all of it. Nothing is changed.

        Raises CouponInvalid, CouponUsedUp.
        """
        if not self.is_active or self.product_id not in (None, product_id):
            raise CouponInvalid("Not a coupon for this product.")
        if self.starts_at is not None and now < self.starts_at:
            raise CouponInvalid("Not valid yet.")
        if self.ends_at is not None and now >= self.ends_at:
            raise CouponInvalid("No longer valid.")
        if self.max_uses is not None and self.uses >= self.max_uses:
            raise CouponUsedUp(maximum=self.max_uses, by_buyer=False)
        maximum = self.max_uses_per_user
        if maximum is not None and self.by_user.get(user_id, 0) >= maximum:
            raise CouponUsedUp(maximum=maximum, by_buyer=True)
        if self.kind == CouponKind.FIXED:
            if self.currency != currency:
                raise CouponInvalid("Not in the currency of this product.")
            return min(self.value, amount)
        return share_of(amount, bps=self.value)

    def take(self, user_id: UUID) -> None:
        """Count one use."""
        self.uses += 1
        self.taken += 1
        self.by_user[user_id] = self.by_user.get(user_id, 0) + 1


#: Locked coupons, by their merchant and code.
Found = Mapping[tuple[UUID, str], Terms]


def ask(session: Session, wanted: Collection[Wanted]) -> Callable[[], Found]:
    """Lock coupons until the transaction ends; call the result for them.

    The products are locked already. What is not in the result does not exist.
    """
    if not wanted:
        return dict
    rows = repository.lock_coupons(session, list(wanted))
    counted = repository.count_uses(session, list(wanted))

    def found() -> Found:
        terms = {row.id: Terms(*row) for row in rows}
        for row in counted:
            terms[row.coupon_id].by_user[row.user_id] = row.uses
        return {(one.merchant_id, one.code): one for one in terms.values()}

    return found


def write_uses(session: Session, uses: Sequence[CouponUse], coupons: Collection[Terms]) -> None:
    """Write what was taken of `coupons`, after the orders were written."""
    if uses:
        repository.take(
            session, [{"id": one.id, "taken": one.taken} for one in coupons if one.taken]
        )
        repository.insert_uses(session, uses)


def give_back(session: Session, *, order_id: UUID) -> None:
    """Let another have the use of an order that was not paid for. Nothing if it had no coupon."""
    use = repository.get_use_for_update(session, order_id)
    if use is not None and use.released_at is None:
        use.released_at = clock.now()
        repository.give_back(session, coupon_id=use.coupon_id)


def create(
    session: Session,
    *,
    merchant: User,
    code: str,
    kind: str,
    value: Decimal,
    currency: str,
    product_id: UUID | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    max_uses: int | None = None,
    max_uses_per_user: int | None = None,
) -> Coupon:
    """Make a coupon. code: in canonical form; value: percent, or units of `currency`.

    Raises CouponCodeTaken, ProductNotFound, UnauthorizedProductAccess, AmountInvalid.
    """
    if product_id is not None:
        products.require_own(session, merchant=merchant, product_id=product_id)
    now = clock.now()
    try:
        return repository.insert_coupon(
            session,
            id=new_id(),
            merchant_id=merchant.id,
            product_id=product_id,
            code=code,
            kind=kind,
            value=_stored(kind, value, currency),
            currency=currency,
            starts_at=starts_at,
            ends_at=ends_at,
            max_uses=max_uses,
            max_uses_per_user=max_uses_per_user,
            is_active=True,
            created_at=now,
            updated_at=now,
        )
    except IntegrityError as error:
        if constraint_name(error) == "uq_coupons_code":
            raise CouponCodeTaken from error
        raise


def _stored(kind: str, value: Decimal, currency: str) -> int:
    if kind == CouponKind.FIXED:
        return Money.of(value, currency, field="value").minor
    return int(value * 100)


def find(session: Session, *, coupon_id: UUID, merchant_id: UUID) -> Coupon:
    """Raises CouponNotFound, for other merchants too."""
    coupon = repository.get_coupon_of(session, coupon_id=coupon_id, merchant_id=merchant_id)
    if coupon is None:
        raise CouponNotFound
    return coupon


def of_merchant(session: Session, page: PageRequest, *, merchant_id: UUID) -> Page[Coupon]:
    """The merchant's coupons, newest first."""
    return repository.list_coupons(session, page, merchant_id=merchant_id)


def change(session: Session, *, merchant_id: UUID, coupon_id: UUID, **changes: Any) -> Coupon:
    """Change starts_at, ends_at, max_uses or is_active; the rest stays.

    Raises CouponNotFound, CouponInvalid when the result cannot be.
    """
    coupon = _require_own(session, coupon_id=coupon_id, merchant_id=merchant_id)
    for name, value in changes.items():
        setattr(coupon, name, value)
    if coupon.max_uses is not None and coupon.max_uses < coupon.uses:
        raise CouponUsedUp(maximum=coupon.uses, by_buyer=False)
    starts, ends = coupon.starts_at, coupon.ends_at
    if starts is not None and ends is not None and ends <= starts:
        raise CouponInvalid("It would end before it starts.")
    coupon.updated_at = clock.now()
    session.flush()
    return coupon


def delete(session: Session, *, merchant_id: UUID, coupon_id: UUID) -> None:
    """Have nobody use it any more; its code is free again. Raises CouponNotFound."""
    coupon = _require_own(session, coupon_id=coupon_id, merchant_id=merchant_id)
    repository.mark_deleted(coupon, clock.now())
    session.flush()


def _require_own(session: Session, *, coupon_id: UUID, merchant_id: UUID) -> Coupon:
    coupon = repository.get_coupon_of_for_update(
        session, coupon_id=coupon_id, merchant_id=merchant_id
    )
    if coupon is None:
        raise CouponNotFound
    return coupon
