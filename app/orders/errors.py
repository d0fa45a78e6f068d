"""How buying can be refused."""

from app.common.errors import BadRequest, NotFound


class OrderNotFound(NotFound):
    code = "ORDER_NOT_FOUND"
    message = "Order not found"


class CannotBuyOwnProduct(BadRequest):
    code = "CANNOT_BUY_OWN_PRODUCT"
    message = "You cannot buy your own product"
