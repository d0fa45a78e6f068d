"""How coupons can be refused."""

from app.common.errors import BadRequest, Conflict, NotFound


class CouponNotFound(NotFound):
    code = "COUPON_NOT_FOUND"
    message = "Coupon not found"


class CouponCodeTaken(Conflict):
    code = "COUPON_CODE_TAKEN"
    message = "You have a coupon with this code already"


class CouponInvalid(BadRequest):
    """There is no such coupon for this product, now and for this buyer."""

    code = "COUPON_INVALID"
    message = "This coupon cannot be used for this purchase"

    def __init__(self, reason: str) -> None:
        super().__init__(details={"couponCode": [reason]})


class CouponUsedUp(BadRequest):
    code = "COUPON_USED_UP"
    message = "This coupon has been used as often as it can be"

    def __init__(self, *, maximum: int, by_buyer: bool) -> None:
        super().__init__(details={"maxUsesPerUser" if by_buyer else "maxUses": maximum})
