"""Errors of coupons."""

from typing import Self

from app.common.errors import BadRequest, Conflict, NotFound


class CouponNotFound(NotFound):
    code = "COUPON_NOT_FOUND"
    message = "Coupon not found"


class CouponCodeTaken(Conflict):
    code = "COUPON_CODE_TAKEN"
    message = "You already have a coupon with this code"


class CouponInvalid(BadRequest):
    """The coupon does not apply to this product, at this time or for this buyer."""

    code = "COUPON_INVALID"
    message = "This coupon cannot be used for this purchase"

    def __init__(self, reason: str) -> None:
        super().__init__(details={"couponCode": [reason]})

    @classmethod
    def example(cls) -> Self:
        return cls("This coupon has expired.")


class CouponUsedUp(BadRequest):
    code = "COUPON_USED_UP"
    message = "This coupon has reached its usage limit"

    def __init__(self, *, maximum: int, by_buyer: bool) -> None:
        super().__init__(details={"maxUsesPerUser" if by_buyer else "maxUses": maximum})

    @classmethod
    def example(cls) -> Self:
        return cls(maximum=100, by_buyer=False)
