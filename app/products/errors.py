"""Errors of products."""

from typing import Self

from app.common.errors import BadRequest, Forbidden, NotFound


class ProductNotFound(NotFound):
    code = "PRODUCT_NOT_FOUND"
    message = "Product not found"


class ProductOutOfStock(BadRequest):
    code = "PRODUCT_OUT_OF_STOCK"
    message = "Product is out of stock"

    def __init__(self, *, name: str, requested: int, available: int) -> None:
        super().__init__(
            f"Product {name} is out of stock"
            if available == 0
            else f"Product {name} has only {available} left",
            details={"requested": requested, "available": available},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(name="Field Guide", requested=2, available=1)


class ProductInactive(BadRequest):
    code = "PRODUCT_INACTIVE"
    message = "Product is not active"


class UnauthorizedProductAccess(Forbidden):
    code = "UNAUTHORIZED_PRODUCT_ACCESS"
    message = "You are not the owner of this product"


class StockIsCodes(BadRequest):
    code = "STOCK_IS_CODES"
    message = "The stock of this product is its unsold codes: upload or delete codes"
