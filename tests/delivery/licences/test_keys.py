"""Licence keys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.licences.keys import mask, new_key, parse_key

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FORM = re.compile(rf"[{ALPHABET}]{{5}}(-[{ALPHABET}]{{5}}){{4}}")


def test_keys_are_formatted_and_unique() -> None:
    keys = {new_key() for _ in range(500)}
    assert len(keys) == 500
    assert all(FORM.fullmatch(key) and parse_key(key) == key for key in keys)
    assert {character for key in keys for character in key} == {*ALPHABET, "-"}


@pytest.mark.parametrize(
    "typed",
    [
        "7Z3QK-M0T8V-X4R1D-9HWYB-2C6ES",
        "7z3qk-m0t8v-x4r1d-9hwyb-2c6es",
        "7Z3QKM0T8VX4R1D9HWYB2C6ES",
        " 7Z3QK M0T8V X4R1D 9HWYB 2C6ES ",
        "7Z3QK-MOT8V-X4RID-9HWYB-2C6ES",
        "7z3qk-mot8v-x4rld-9hwyb-2c6es",
        "7Z3QKM0T8V-X4R1D-9HWYB2C6ES",
    ],
)
def test_parsing_is_tolerant(typed: str) -> None:
    assert parse_key(typed) == "7Z3QK-M0T8V-X4R1D-9HWYB-2C6ES"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        "7Z3QK-M0T8V-X4R1D-9HWYB-2C6E",
        "7Z3QK-M0T8V-X4R1D-9HWYB-2C6ES0",
        "7Z3QK-M0T8V-X4R1D-9HWYB-2C6EU",
        "7Z3QK_M0T8V_X4R1D_9HWYB_2C6ES",
        "7Z3QK-M0T8V-X4R1D-9HWYB-2C6E\uff15",
        "ключ",
    ],
)
def test_an_invalid_key_is_none(typed: str) -> None:
    assert parse_key(typed) is None


@given(st.integers(0, 24), st.sampled_from(ALPHABET))
def test_every_wrong_character_is_detected(place: int, character: str) -> None:
    key = "7Z3QKM0T8VX4R1D9HWYB2C6ES"
    typed = key[:place] + character + key[place + 1 :]
    assert (parse_key(typed) is None) == (typed != key)


def test_swapped_neighbours_are_detected() -> None:
    key = "7Z3QKM0T8VX4R1D9HWYB2C6ES"
    for at in range(24):
        swapped = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
        assert parse_key(swapped) is None


@given(st.text(max_size=80))
def test_any_text_can_be_parsed(typed: str) -> None:
    read = parse_key(typed)
    assert read is None or FORM.fullmatch(read)


def test_a_masked_key_shows_four_characters() -> None:
    assert mask("7Z3QK-M0T8V-X4R1D-9HWYB-2C6ES") == "••••C6ES"
