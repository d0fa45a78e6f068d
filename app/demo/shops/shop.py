"""Types that declare the shops of the demo."""

from dataclasses import dataclass

from app.demo.people import Person
from app.products.models import ProductKind


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """A product of a demo shop.

    price: minor units; units: initial stock; units_left: stock after the history, None if it does
    not matter; deactivated: whether it is deactivated after the history; kind: None for that of the
    shop.
    """

    name: str
    price: int
    units: int
    description: str
    units_left: int | None = None
    deactivated: bool = False
    kind: ProductKind | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant and their products. category: slug of the category of all products; kind: of
    those that have no other."""

    name: str
    owner: Person
    category: str
    products: tuple[DemoProduct, ...]
    kind: ProductKind = ProductKind.PLAIN
