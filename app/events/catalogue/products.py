"""Products and their stock."""

from typing import Annotated
from uuid import UUID

from app.events.base import Event, event


@event("stock-low", aggregate="product")
class StockLow(Event):
    """A sale or reservation left as few units as the shop's threshold, or fewer, for the first
    time since there were more."""

    merchant_id: UUID
    name: Annotated[str, "of the product"]
    available_units: Annotated[int, "left"]
    threshold: Annotated[int, "of the shop, in units"]
