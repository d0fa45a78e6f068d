"""What a shop of the demo is made of."""

from dataclasses import dataclass

from app.demo.people import Person


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
    owner: Person
    goods: tuple[Good, ...]
