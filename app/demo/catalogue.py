"""Everything the demo shows, in one place: all shops and the password of all accounts."""

from typing import Final

from app.demo.shops import books, courses, games, photo, software, sound, type_and_icons

#: Public on purpose, which is why the demo never runs in production.
PASSWORD: Final = "demo-Passw0rd-2026"  # noqa: S105 – what else would a demo do

#: A code that every shop takes.
COUPON: Final = "WELCOME10"

SHOPS: Final = (
    courses.SHOP,
    games.SHOP,
    books.SHOP,
    type_and_icons.SHOP,
    sound.SHOP,
    software.SHOP,
    photo.SHOP,
)

OWNER_OF: Final = {good: shop.owner for shop in SHOPS for good in shop.goods}

GOODS: Final = tuple(OWNER_OF)
