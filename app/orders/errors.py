"""Why purchases, cancellations and refunds are refused."""

from typing import Final, Self

from app.common.errors import BadRequest, Conflict, NotFound
from app.common.money import Money
from app.gateway.errors import AmountNotPayable
from app.orders.numbers import EXAMPLE_NUMBER
from app.products.errors import ProductInactive, ProductNotFound, ProductOutOfStock
from app.wallets.errors import BalanceTooLarge, InsufficientFunds, WalletLocked, WalletNotFound


class OrderNotFound(NotFound):
    code = "ORDER_NOT_FOUND"
    message = "Order not found"


class CannotBuyOwnProduct(BadRequest):
    code = "CANNOT_BUY_OWN_PRODUCT"
    message = "You cannot buy your own product"


class PurchaseLimitReached(BadRequest):
    code = "PURCHASE_LIMIT_REACHED"
    message = "Purchase limit reached"

    def __init__(self, *, limit: int, bought: int, requested: int) -> None:
        super().__init__(
            f"You can buy at most {limit} of this product and have already bought {bought}",
            details={"limit": limit, "bought": bought, "requested": requested},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(limit=3, bought=2, requested=2)


class ReservationLimitReached(BadRequest):
    """Units in unpaid orders by card are not available to others, so they are limited."""

    code = "RESERVATION_LIMIT_REACHED"
    message = "Reservation limit reached"
    cacheable = False

    def __init__(self, *, limit: int, reserved: int, requested: int) -> None:
        super().__init__(
            f"You can reserve at most {limit:,} of this product until you have paid by card, and"
            f" have already reserved {reserved:,}",
            details={"limit": limit, "reserved": reserved, "requested": requested},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(limit=10, reserved=8, requested=5)


class PriceChanged(Conflict):
    """The total differs from the `expectedAmount` of the request. Nothing was paid."""

    code = "PRICE_CHANGED"
    message = "The price has changed"

    def __init__(self, *, expected: Money, actual: Money) -> None:
        super().__init__(
            f"The price has changed: the total is {actual.display}, not {expected.display}",
            details={"expectedAmount": str(expected), "amount": str(actual)},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(expected=Money(4_999, "USD"), actual=Money(5_499, "USD"))


class OrderNotDelivered(Conflict):
    """The order is not paid, or was refunded in full."""

    code = "ORDER_NOT_DELIVERED"
    message = "This order has not been delivered yet"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="PENDING")


class OrderNotRefundable(Conflict):
    """Only a COMPLETED order can be refunded."""

    code = "ORDER_NOT_REFUNDABLE"
    message = "This order cannot be refunded"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="REFUNDED")


class RefundTooLarge(BadRequest):
    code = "REFUND_TOO_LARGE"
    message = "The refund exceeds the remaining amount of the order"

    def __init__(self, *, left: Money, units_left: int) -> None:
        super().__init__(details={"refundable": str(left), "refundableUnits": units_left})

    @classmethod
    def example(cls) -> Self:
        return cls(left=Money(1_999, "USD"), units_left=1)


class RefundNotFound(NotFound):
    code = "REFUND_NOT_FOUND"
    message = "Refund not found"


class RefundNotSettleable(Conflict):
    """The refund is not PENDING, or the gateway has not refused it."""

    code = "REFUND_NOT_SETTLEABLE"
    message = "Only a refund that the payment provider refuses to make can be settled"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="SUCCEEDED")


class RefundRequestNotFound(NotFound):
    code = "REFUND_REQUEST_NOT_FOUND"
    message = "Refund request not found"


class RefundRequestOpen(Conflict):
    code = "REFUND_REQUEST_OPEN"
    message = "This order already has an open refund request"


class RefundRequestClosed(Conflict):
    code = "REFUND_REQUEST_CLOSED"
    message = "This refund request has already been decided"

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="DECLINED")


class NothingToPay(BadRequest):
    code = "NOTHING_TO_PAY"
    message = "The coupon covers the whole price: order with paymentMethod WALLET"


class OrderNotCancellable(Conflict):
    """Only an unpaid order can be cancelled. What the gateway reported is committed."""

    code = "ORDER_NOT_CANCELLABLE"
    message = "This order cannot be cancelled"
    commits = True

    def __init__(self, *, status: str) -> None:
        super().__init__(details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="COMPLETED")


class CheckoutEnded(Conflict):
    """The order of a repeated request has ended without a payment, and is not begun again."""

    code = "CHECKOUT_ENDED"
    message = "This order has ended without a payment; order again with another Idempotency-Key"

    def __init__(
        self, *, order_id: str, order_number: str, status: str, reason: str | None
    ) -> None:
        super().__init__(
            details={
                "orderId": order_id,
                "orderNumber": order_number,
                "status": status,
                "reason": reason,
            }
        )

    @classmethod
    def example(cls) -> Self:
        return cls(
            order_id="01a1fd06-6c0e-77e3-b5a4-63bd887ed5e6",
            order_number=EXAMPLE_NUMBER,
            status="FAILED",
            reason="The checkout expired",
        )


class QuantityTooLarge(BadRequest):
    code = "QUANTITY_TOO_LARGE"
    message = "Quantity exceeds the limit per order"

    def __init__(self, *, maximum: int) -> None:
        super().__init__(
            f"Quantity exceeds the limit of {maximum:,} units per order",
            details={"most": maximum},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(maximum=1_000)


class TooManyCheckouts(Conflict):
    """The buyer has reserved as many unpaid orders as allowed."""

    code = "TOO_MANY_CHECKOUTS"
    message = "Pay or cancel your pending orders before you create another"
    cacheable = False

    def __init__(self, *, maximum: int) -> None:
        super().__init__(details={"most": maximum})

    @classmethod
    def example(cls) -> Self:
        return cls(maximum=10)


#: Why a refund of an order can be refused.
REFUND_ERRORS: Final = (
    OrderNotRefundable,
    RefundTooLarge,
    AmountNotPayable,
    InsufficientFunds,
    WalletLocked,
    WalletNotFound,
    BalanceTooLarge,
)

#: Why a purchase can be refused, with any payment method.
PURCHASE_ERRORS: Final = (
    ProductNotFound,
    ProductInactive,
    ProductOutOfStock,
    PurchaseLimitReached,
    QuantityTooLarge,
    CannotBuyOwnProduct,
    PriceChanged,
)
