"""The demo catalogue: all shops and products, and the password of all accounts."""

from typing import Final

from app.demo.shops import books, courses, games, photo, software, sound, type_and_icons

#: Public on purpose, which is why the demo never runs in production.
PASSWORD: Final = "demo-Passw0rd-2026"  # noqa: S105 – a demo account needs a known one

#: A coupon code that every shop accepts.
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

OWNERS: Final = {product: shop.owner for shop in SHOPS for product in shop.products}

PRODUCTS: Final = tuple(OWNERS)
