"""Coupons: their discounts and usage limits."""

import secrets
from base64 import b32encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.common import clock
from app.common.db import constraint_name
from app.common.ids import new_id
from app.common.money import Money, share_of
from app.common.pagination import Page, PageRequest
from app.coupons import repository
from app.coupons.errors import CouponCodeTaken, CouponInvalid, CouponNotFound, CouponUsedUp
from app.coupons.models import Coupon, CouponKind, CouponUse
from app.products import service as products

_CODE_BYTES: Final = 10
#: Share of the remaining uses that one buyer may reserve, but at least one use.
RESERVABLE_PERCENT: Final = 25


@dataclass(frozen=True, slots=True)
class CouponRequest:
    """A coupon that a buyer wants to use for a product. code: in canonical form, upper case."""

    product_id: UUID
    code: str
    user_id: UUID


@dataclass(slots=True)
class LockedCoupon:
    """A locked coupon, with its uses including those decided so far in the transaction.

    value: hundredths of a percent, or minor units. uses_by_user: only of the requesting users.
    new_uses: not written yet.
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
    uses_by_user: dict[UUID, int] = field(default_factory=dict)
    new_uses: int = 0

    def discount(
        self, amount: int, *, currency: str, product_id: UUID, user_id: UUID, now: datetime
    ) -> int:
        """The discount on `amount`, at most all of it. Both are in minor units.

        Raises CouponInvalid, CouponUsedUp.
        """
        if not self.is_active or self.product_id not in (None, product_id):
            raise CouponInvalid("This coupon is not valid for this product.")
        if self.starts_at is not None and now < self.starts_at:
            raise CouponInvalid("This coupon is not valid yet.")
        if self.ends_at is not None and now >= self.ends_at:
            raise CouponInvalid("This coupon has expired.")
        if self.max_uses is not None and self.uses >= self.max_uses:
            raise CouponUsedUp(maximum=self.max_uses, by_buyer=False)
        maximum = self.max_uses_per_user
        if maximum is not None and self.uses_by_user.get(user_id, 0) >= maximum:
            raise CouponUsedUp(maximum=maximum, by_buyer=True)
        if self.kind == CouponKind.FIXED:
            if self.currency != currency:
                raise CouponInvalid("This coupon is in another currency.")
            return min(self.value, amount)
        return share_of(amount, bps=self.value)

    def max_reservable(self, *, reserved: int) -> int | None:
        """Maximum uses by unpaid orders of one buyer, so that others can use it. None: no limit.

        reserved: uses by unpaid orders of the buyer so far.
        """
        if self.max_uses is None:
            return None
        return max(1, (self.max_uses - self.uses + reserved) * RESERVABLE_PERCENT // 100)

    def use(self, user_id: UUID) -> None:
        """Count a use."""
        self.uses += 1
        self.new_uses += 1
        self.uses_by_user[user_id] = self.uses_by_user.get(user_id, 0) + 1


#: By merchant and code.
LockedCoupons = Mapping[tuple[UUID, str], LockedCoupon]


def lock(session: Session, requests: Collection[CouponRequest]) -> Callable[[], LockedCoupons]:
    """Lock coupons until the transaction ends, after their products.

    Returns a function that reads the existing ones, so that a pipeline continues.
    """
    if not requests:
        return dict
    rows = repository.lock_coupons(session, list(requests))
    counted = repository.count_uses(session, list(requests))

    def read() -> LockedCoupons:
        coupons = {row.id: LockedCoupon(*row) for row in rows}
        for row in counted:
            coupons[row.coupon_id].uses_by_user[row.user_id] = row.uses
        return {(coupon.merchant_id, coupon.code): coupon for coupon in coupons.values()}

    return read


def record_uses(
    session: Session, uses: Sequence[CouponUse], coupons: Collection[LockedCoupon]
) -> None:
    """Write new uses of coupons, after their orders."""
    if uses:
        repository.add_uses(
            session,
            [
                {"id": coupon.id, "new_uses": coupon.new_uses}
                for coupon in coupons
                if coupon.new_uses
            ],
        )
        repository.insert_uses(session, uses)


def release_use(session: Session, *, order_id: UUID) -> None:
    """Release the coupon use of an unpaid order, if it has one."""
    use = repository.get_use_for_update(session, order_id)
    if use is not None and use.released_at is None:
        use.released_at = clock.now()
        repository.remove_use(session, coupon_id=use.coupon_id)


def new_code() -> str:
    """A random code of 80 bits, in four groups of four letters and digits (base32)."""
    text = b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def create(
    session: Session,
    *,
    merchant: User,
    kind: str,
    value: Decimal,
    currency: str,
    code: str | None = None,
    product_id: UUID | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    max_uses: int | None = None,
    max_uses_per_user: int | None = None,
) -> Coupon:
    """Create a coupon. code: in canonical form, random by default. value: percent, or units of
    `currency`.

    Raises CouponCodeTaken, ProductNotFound, UnauthorizedProductAccess, AmountInvalid,
    QuotaExceeded.
    """
    if product_id is not None:
        products.require_own(session, merchant=merchant, product_id=product_id)
    quotas.require_room(session, user_id=merchant.id, quota=Quota.COUPONS)
    now = clock.now()
    try:
        return repository.insert_coupon(
            session,
            id=new_id(),
            merchant_id=merchant.id,
            product_id=product_id,
            code=code or new_code(),
            kind=kind,
            value=_stored_value(kind, value, currency),
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


def _stored_value(kind: str, value: Decimal, currency: str) -> int:
    if kind == CouponKind.FIXED:
        return Money.of(value, currency, field="value").minor
    return int(value * 100)


def require_coupon(session: Session, *, coupon_id: UUID, merchant_id: UUID) -> Coupon:
    """The merchant's coupon. Raises CouponNotFound."""
    coupon = repository.get_coupon(session, coupon_id=coupon_id, merchant_id=merchant_id)
    if coupon is None:
        raise CouponNotFound
    return coupon


def list_coupons(session: Session, page: PageRequest, *, merchant_id: UUID) -> Page[Coupon]:
    """The merchant's coupons, newest first."""
    return repository.list_coupons(session, page, merchant_id=merchant_id)


def count_coupons(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of the merchant's coupons. limit: as of `quotas.Count`."""
    return repository.count_coupons(session, merchant_id=user_id, limit=limit)


def update(session: Session, *, merchant_id: UUID, coupon_id: UUID, **changes: Any) -> Coupon:
    """Update starts_at, ends_at, max_uses or is_active.

    Raises CouponNotFound, CouponInvalid, and CouponUsedUp if max_uses is below the uses so far.
    """
    coupon = _require_for_update(session, coupon_id=coupon_id, merchant_id=merchant_id)
    for name, value in changes.items():
        setattr(coupon, name, value)
    if coupon.max_uses is not None and coupon.max_uses < coupon.uses:
        raise CouponUsedUp(maximum=coupon.uses, by_buyer=False)
    starts, ends = coupon.starts_at, coupon.ends_at
    if starts is not None and ends is not None and ends <= starts:
        raise CouponInvalid("The end must be after the start.")
    coupon.updated_at = clock.now()
    session.flush()
    return coupon


def delete(session: Session, *, merchant_id: UUID, coupon_id: UUID) -> None:
    """Delete a coupon. Its code can be used for another one. Raises CouponNotFound."""
    coupon = _require_for_update(session, coupon_id=coupon_id, merchant_id=merchant_id)
    repository.mark_deleted(coupon, clock.now())
    session.flush()


def _require_for_update(session: Session, *, coupon_id: UUID, merchant_id: UUID) -> Coupon:
    coupon = repository.get_coupon_for_update(session, coupon_id=coupon_id, merchant_id=merchant_id)
    if coupon is None:
        raise CouponNotFound
    return coupon
