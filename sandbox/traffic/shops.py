"""Merchants and what they sell."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sandbox.traffic.api import Api, ApiAway
from sandbox.traffic.people import Person, decimal
from sandbox.traffic.plan import Size, prices
from sandbox.traffic.store import Accounts

_UNITS: Final = 1_000_000
#: The name of each shop, its merchant, and what it sells.
_SHOPS: Final = (
    ("Northwind Audio", "Astrid Halvorsen", "Sample pack"),
    ("Pixel Harbour", "Benoit Lefevre", "Icon set"),
    ("Quill & Code", "Chiara Fontana", "Course"),
    ("Lumen Fonts", "Dario Mancini", "Typeface"),
    ("Basalt Games", "Edda Sigurdson", "Game key"),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product. price: minor units."""

    id: str
    price: int
    merchant: Person


@dataclass
class Shops:
    """merchants: with their products on sale, by size, and one that is sold out."""

    offers: dict[Size, list[Offer]] = field(default_factory=lambda: {size: [] for size in Size})
    sold_out: list[Offer] = field(default_factory=list)
    merchants: list[Person] = field(default_factory=list)

    def open(self, api: Api, accounts: Accounts, *, decimals: int) -> None:
        """Open the shops that are not open yet. Raises ApiAway."""
        for number, (shop, name, product) in enumerate(_SHOPS):
            if number < len(self.merchants):
                continue
            merchant = Person(api, accounts, name, role="MERCHANT")
            merchant.sign_in()
            merchant.call("PATCH", "/shop", {"name": shop})
            # The same prices at every start.
            wanted = prices(random.Random(shop), decimals=decimals)  # noqa: S311 – guards nothing
            self._stock(merchant, product, wanted, decimals=decimals)
            self.merchants.append(merchant)

    def _stock(
        self,
        merchant: Person,
        product: str,
        wanted: Sequence[tuple[Size, int]],
        *,
        decimals: int,
    ) -> None:
        existing = merchant.call("GET", "/products/merchant/my-products?limit=100")
        ids = {str(each["name"]): str(each["id"]) for each in _items(existing.body)}
        for number, (size, price) in enumerate(wanted, start=1):
            name = f"{product} {number:02}"
            found = ids.get(name) or _create(merchant, name, decimal(price, decimals), _UNITS)
            self.offers[size].append(Offer(found, price, merchant))
        name = f"{product}, sold out"
        price = wanted[0][1]
        found = ids.get(name) or _create(merchant, name, decimal(price, decimals), 0)
        self.sold_out.append(Offer(found, price, merchant))


def _items(body: object) -> Iterable[dict[str, object]]:
    found = body.get("data") if isinstance(body, dict) else None
    return found if isinstance(found, list) else []


def _create(merchant: Person, name: str, price: str, units: int) -> str:
    answer = merchant.call(
        "POST", "/products", {"name": name, "price": price, "availableUnits": units}
    )
    if not answer.is_success:
        raise ApiAway(f"A product could not be created: {answer.error}.")
    return str(answer.body["id"])
