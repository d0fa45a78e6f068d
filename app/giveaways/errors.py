"""Errors of giveaways."""

from typing import Final, Self
from uuid import UUID

from app.common.errors import BadRequest, Conflict, NotFound
from app.common.examples import EXAMPLE_ID

_ENDED: Final = {
    "CLOSED": "This giveaway was closed by its merchant",
    "EXPIRED": "This giveaway has expired",
    "USED_UP": "Everything of this giveaway has been given away",
}


class GiveawayNotFound(NotFound):
    code = "GIVEAWAY_NOT_FOUND"
    message = "Giveaway not found"


class ProductNotExportable(BadRequest):
    code = "PRODUCT_NOT_EXPORTABLE"
    message = "A batch can only be given away of a product whose units are codes or licence keys"


class GiveawayHasNoFile(BadRequest):
    code = "GIVEAWAY_HAS_NO_FILE"
    message = "Only a giveaway of the kind BATCH has a file"


class GiveawayEnded(Conflict):
    """status: a GiveawayStatus other than OPEN."""

    code = "GIVEAWAY_ENDED"
    message = "This giveaway has ended"

    def __init__(self, status: str) -> None:
        super().__init__(_ENDED[status], details={"status": status})

    @classmethod
    def example(cls) -> Self:
        return cls("EXPIRED")


class GiveawayAlreadyClaimed(Conflict):
    code = "GIVEAWAY_ALREADY_CLAIMED"
    message = "You have claimed this giveaway already"

    def __init__(self, *, order_id: UUID) -> None:
        super().__init__(details={"orderId": str(order_id)})

    @classmethod
    def example(cls) -> Self:
        return cls(order_id=UUID(EXAMPLE_ID))


class GiveawaySoldOut(Conflict):
    code = "GIVEAWAY_SOLD_OUT"
    message = "The product of this giveaway does not have enough units left"

    def __init__(self, *, requested: int, available: int) -> None:
        super().__init__(details={"requested": requested, "available": available})

    @classmethod
    def example(cls) -> Self:
        return cls(requested=1, available=0)
