"""How buying can be refused."""

from app.common.errors import BadRequest, Conflict, NotFound
from app.common.money import Money


class OrderNotFound(NotFound):
    code = "ORDER_NOT_FOUND"
    message = "Order not found"


class CannotBuyOwnProduct(BadRequest):
    code = "CANNOT_BUY_OWN_PRODUCT"
    message = "You cannot buy your own product"


class PurchaseLimitReached(BadRequest):
    code = "PURCHASE_LIMIT_REACHED"
    message = "You cannot have more of this product"

    def __init__(self, *, most: int, have: int, requested: int) -> None:
        super().__init__(details={"limit": most, "bought": have, "requested": requested})


class OrderNotDelivered(Conflict):
    """There is nothing to hand over: it is not paid, or everything was taken back."""

    code = "ORDER_NOT_DELIVERED"
    message = "Nothing of this order is delivered"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})


class OrderNotRefundable(Conflict):
    """Only what is COMPLETED, and not refunded in whole, can be refunded."""

    code = "ORDER_NOT_REFUNDABLE"
    message = "This order cannot be refunded"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})


class RefundTooLarge(BadRequest):
    code = "REFUND_TOO_LARGE"
    message = "That is more than is left to refund"

    def __init__(self, *, left: Money, units_left: int) -> None:
        super().__init__(details={"refundable": str(left), "refundableUnits": units_left})


class RefundRequestNotFound(NotFound):
    code = "REFUND_REQUEST_NOT_FOUND"
    message = "Request for a refund not found"


class RefundRequestOpen(Conflict):
    code = "REFUND_REQUEST_OPEN"
    message = "There is a request for a refund of this order already"


class RefundRequestClosed(Conflict):
    code = "REFUND_REQUEST_CLOSED"
    message = "This request for a refund was decided already"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})


class NothingToPay(BadRequest):
    code = "NOTHING_TO_PAY"
    message = "The coupon pays for all of it: buy it with paymentMethod WALLET"


class OrderNotCancellable(Conflict):
    """Only what is not paid can be cancelled. What was found out meanwhile is kept."""

    code = "ORDER_NOT_CANCELLABLE"
    message = "This order cannot be cancelled"
    leaves_trace = True

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})


class QuantityTooLarge(BadRequest):
    code = "QUANTITY_TOO_LARGE"
    message = "That is too much for one order"

    def __init__(self, *, most: int) -> None:
        super().__init__(details={"most": most})


class TooManyCheckouts(Conflict):
    """Whoever reserves has to pay or cancel before reserving more."""

    code = "TOO_MANY_CHECKOUTS"
    message = "Pay or cancel the orders that you have open before you make another"
    final = False

    def __init__(self, *, most: int) -> None:
        super().__init__(details={"most": most})
