"""How names, emails and numbers are masked."""

from uuid import UUID

import pytest

from app.auth.masking import masked_email, masked_name, masked_number, public_name
from app.auth.models import User


def user(first: str | None, last: str | None, **more: str | None) -> User:
    return User(first_name=first, last_name=last, **more)


@pytest.mark.parametrize(
    ("first", "last", "masked"),
    [
        ("Alice", "Jones", "A••• J."),
        ("Al", "Jo", "A••• J."),
        ("Alice", None, "A•••"),
        (None, "Jones", "J•••"),
        ("Jürgen", "Øre", "J••• Ø."),
        (None, None, None),
    ],
)
def test_a_masked_name_shows_only_the_initials(
    first: str | None, last: str | None, masked: str | None
) -> None:
    assert masked_name(user(first, last)) == masked


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("alice@example.com", "a•••@e•••.com"),
        ("a@e.com", "a•••@e•••.com"),
        ("bob.stone+tag@mail.example.co.uk", "b•••@m•••.uk"),
        (None, None),
    ],
)
def test_a_masked_email_shows_two_letters_and_the_top_level_domain(
    email: str | None, masked: str | None
) -> None:
    assert masked_email(email) == masked


def test_a_masked_wallet_number_shows_the_last_four_digits() -> None:
    assert masked_number("482109375516") == "•••• •••• 5516"


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        (user("Alice", "Jones"), "Alice J."),
        (user("Alice", None), "Alice"),
        (user(None, "Jones", email="j@example.com"), "J•••"),
        (user(None, None, email="alice@example.com", phone="+14155550100"), "a•••@e•••.com"),
        (user(None, None, phone="+14155550100"), "•••00"),
        (user("Alice", "Jones", shop_name="Corner Bakery"), "Corner Bakery"),
    ],
)
def test_parties_of_a_transfer_see_a_short_name(person: User, shown: str) -> None:
    assert public_name(person) == shown


def test_a_shop_without_a_name_shows_nothing_of_its_email_address() -> None:
    shop = user(None, None, email="alice@example.com", role="MERCHANT")
    shop.id = UUID("01993c1e-7c1a-7b52-9f6e-2b8f0f3f9a21")

    assert public_name(shop) == "Merchant 3F9A21"
