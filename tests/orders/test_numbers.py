"""Order numbers: how the database draws them, and how they are typed."""

from collections import Counter
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from stdnum.iso7064 import mod_11_10

from app.common.db import transaction
from app.orders.numbers import EXAMPLE_NUMBER, parse_number
from tests import factories

#: Places in the sequence from which on the numbers have 11 and 13 digits, and after the last one.
SHORT, LONG, END = 0, 2**32, 2**32 + 2**38


def numbers_of(first: int, count: int) -> list[str]:
    """The numbers of consecutive places in the sequence."""
    with transaction() as session:
        return list(
            session.scalars(
                text(
                    "SELECT order_number(n) FROM generate_series(CAST(:first AS bigint), :last) n"
                ),
                {"first": first, "last": first + count - 1},
            )
        )


@pytest.mark.parametrize(
    ("first", "digits"),
    [(SHORT, 11), (LONG - 500, 11), (LONG, 13), (END - 500, 13)],
    ids=["first", "last of 11 digits", "first of 13 digits", "last"],
)
def test_numbers_are_unique_and_formatted_with_a_check_digit(
    app: Flask, first: int, digits: int
) -> None:
    found = numbers_of(first, 500)

    assert len(set(found)) == 500
    for number in found:
        plain = number.replace("-", "")
        assert len(plain) == digits
        assert mod_11_10.is_valid(plain)
        assert parse_number(plain) == number


def test_there_is_no_number_after_the_last_one(app: Flask) -> None:
    with pytest.raises(ProgrammingError, match="no more numbers"):
        numbers_of(END, 1)


def test_a_number_tells_nothing_about_its_neighbours(app: Flask) -> None:
    """Consecutive numbers are spread over the whole range, with differences that do not repeat."""
    values = [int(number.replace("-", "")) // 10 for number in numbers_of(1_000, 400)]
    steps = [after - before for before, after in pairwise(values)]

    assert len(set(steps)) == len(steps)
    assert 150 < sum(step > 0 for step in steps) < 250
    quarters = Counter((value - 10**9) // 2**30 for value in values)
    assert all(50 < quarters[n] < 150 for n in range(4))


def test_the_application_can_draw_numbers_but_not_choose_them(app: Flask) -> None:
    for statement in ("SELECT nextval('order_places')", "SELECT setval('order_places', 1)"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction() as session:
            session.execute(text(statement))
    with transaction() as session:
        drawn = session.scalars(text("SELECT new_order_number() FROM generate_series(1, 3)")).all()
    assert len(set(drawn)) == 3


def test_the_key_of_the_numbers_is_that_of_the_database(app: Flask) -> None:
    """The migration makes one. The same place has another number with another key."""
    with transaction() as session:
        before = session.scalar(text("SELECT order_number(7)"))
        source = session.scalar(
            text("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'order_number'")
        )
        head, key, tail = source.partition("'\\x")
        factories.as_owner(session, head + key + "00" * 16 + tail[32:])
        assert session.scalar(text("SELECT order_number(7)")) != before


@pytest.mark.parametrize(
    "typed",
    [
        EXAMPLE_NUMBER,
        "48210937558",
        " 4821 0937 558 ",
        "#4821-0937-558",
        " # 48210937558",
        "4821\u20110937\u2011558",  # non-breaking hyphens
        "4821\u00a00937\u2013558",
        "\u200e4821-0937-558\u200b",
        "４８２１-０９３７-５５８",  # noqa: RUF001 – digits of full width
    ],
)
def test_a_number_is_accepted_as_pasted(typed: str) -> None:
    assert parse_number(typed) == "4821-0937-558"


@pytest.mark.parametrize(
    "typed", ["", "4821-0937", "4821-0937-5516", "4821-0937-55a", "##48210937558", "-" * 999]
)
def test_what_is_no_number_is_refused_by_its_length(typed: str) -> None:
    with pytest.raises(ValueError, match="it has 11 or 13 digits"):
        parse_number(typed)


def test_every_wrong_digit_is_detected() -> None:
    plain = EXAMPLE_NUMBER.replace("-", "")
    for place, right in enumerate(plain):
        for wrong in set("0123456789") - {right}:
            with pytest.raises(ValueError, match="a digit is wrong or two are swapped"):
                parse_number(plain[:place] + wrong + plain[place + 1 :])
