"""How selling and buying a product can be refused."""

from typing import Final, Self

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
    message = "The stock of this product is its unsold codes: upload or remove codes"


#: Lines that a refusal lists; whoever has sent the wrong file need not read about each of it.
MAX_LISTED: Final = 100

#: What is wrong with lines of a table: line → field, "" for the line as a whole → messages.
Problems = dict[int, dict[str, list[str]]]


class TableInvalid(BadRequest):
    def __init__(self, problems: Problems) -> None:
        listed = sorted(problems.items())[:MAX_LISTED]
        details = {
            f"line {line}: {field}" if field else f"line {line}": messages
            for line, fields in listed
            for field, messages in fields.items()
        }
        if more := len(problems) - len(listed):
            details["more"] = [f"{more} more lines with problems."]
        super().__init__(details=details)

    @classmethod
    def example(cls) -> Self:
        return cls({3: {"price": ["Must be an amount such as 19.99."]}})
