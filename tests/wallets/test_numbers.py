"""Wallet numbers."""

from flask import Flask
from sqlalchemy import text
from stdnum.iso7064 import mod_11_10

from app.common.db import transaction


def test_wallet_numbers_are_unique_and_have_a_check_digit(app: Flask) -> None:
    with transaction() as session:
        numbers = list(
            session.scalars(text("SELECT new_wallet_number() FROM generate_series(1, 500)"))
        )

    assert all(len(number) == 12 and mod_11_10.is_valid(number) for number in numbers)
    assert len(set(numbers)) == 500
