"""What a notification says, and what its text is made with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.auth.models import User
from app.common import locales

Data = Mapping[str, Any]

#: Instead of the name of somebody who is unknown.
_SOMEBODY: Final = "Somebody"
_SOMETHING: Final = "a product"


@dataclass(frozen=True, slots=True)
class Good:
    """Something that was bought. note: what else to know of it; is_code: to be copied exactly."""

    text: str
    note: str | None = None
    is_code: bool = True


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Content:
    """A notification in words. All of it is plain text, which may be a stranger's.

    subject: one line; paragraphs: the first one says what matters; facts: labels with values;
    goods_title: above `goods`; shop: the name in which it is sent, None for the product's;
    reply_to: where answers go.
    """

    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    goods: tuple[Good, ...] = ()
    goods_title: str = "What you bought"
    button: Button | None = None
    shop: str | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a text is made, with the names that it mentions. users, products: names by ID."""

    locale: str
    zone: ZoneInfo
    users: Mapping[UUID, str]
    products: Mapping[UUID, str]

    @classmethod
    def of(cls, user: User, users: Mapping[UUID, str], products: Mapping[UUID, str]) -> "Reader":
        return cls(user.locale, ZoneInfo(user.time_zone), users, products)

    def money(self, data: Data, key: str = "amount") -> str:
        """The amount of a field in minor units, for people."""
        return self.amount(data[key], data["currency"])

    def deduction(self, data: Data, key: str) -> str:
        """As `money`, with a minus sign."""
        return self.amount(-data[key], data["currency"])

    def amount(self, minor: int, currency: str) -> str:
        return locales.display_money(minor, currency, locale=self.locale)

    def time(self, moment: datetime | str) -> str:
        """moment: a time, or a timestamp of an event."""
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        return locales.display_time(moment, self.zone, locale=self.locale)

    def user(self, data: Data, key: str) -> str:
        """The name of the user of a field, as others see it."""
        return self.users.get(UUID(data[key]), _SOMEBODY) if data.get(key) else _SOMEBODY

    def product(self, data: Data) -> str:
        """The name of the product."""
        return self.products.get(UUID(data["productId"]), _SOMETHING)


#: Writes a notification. at: when it happened.
Writer = Callable[[Data, Reader, datetime], Content]


def units(quantity: int, product: str) -> str:
    """The product, after the number of units unless it is one."""
    return product if quantity == 1 else f"{quantity} \N{MULTIPLICATION SIGN} {product}"
