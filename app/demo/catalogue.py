"""The demo catalogue: all shops and products, and the password of all accounts."""

from typing import Final

from app.common.examples import EXAMPLE_PASSWORD
from app.demo.shops import books, courses, games, photo, software, sound, type_and_icons

#: Public on purpose, which is why the demo never runs in production.
PASSWORD: Final = EXAMPLE_PASSWORD

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

#: Names of the categories, by slug.
CATEGORIES: Final = {
    "audio": "Audio",
    "books": "Books",
    "courses": "Courses",
    "design": "Fonts and icons",
    "games": "Games",
    "photography": "Photography",
    "software": "Software",
}

OWNERS: Final = {product: shop.owner for shop in SHOPS for product in shop.products}

PRODUCTS: Final = tuple(OWNERS)

#: The product in the examples of the API, which has the same id as its owner.
EXAMPLE: Final = books.SHOP.products[7]
