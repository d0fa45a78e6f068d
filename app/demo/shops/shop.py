"""What a shop of the demo is made of."""

from dataclasses import dataclass

from app.demo.people import Person
from app.products.models import ProductKind


@dataclass(frozen=True, slots=True)
class Good:
    """Something on sale.

    price: minor units; units: how many go on sale; left: how many of them the history leaves,
    where that is part of the picture; retired: taken off the shelf after the history.
    """

    name: str
    price: int
    units: int
    about: str
    left: int | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant and what is on sale there. sells: what kind of goods."""

    owner: Person
    goods: tuple[Good, ...]
    sells: ProductKind = ProductKind.PLAIN
