"""What people type or paste."""

import time

import marshmallow as ma
import pytest

from app.auth.email_addresses import canonical_email
from app.common.fields import Text
from app.common.text import human_text, typed_code, visible_text

WOMAN_TECHNOLOGIST = "\U0001f469\u200d\U0001f4bb"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("\u1100\u1161", "\uac00"),
        ("  Ada \u3000", "Ada"),
        ("\ufeffAda\u200b\u00ad", "Ada"),
        ("\u200eAda\u200f", "Ada"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        (WOMAN_TECHNOLOGIST, WOMAN_TECHNOLOGIST),
        (ENGLAND, ENGLAND),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("Ada\n", "Ada"),
        ("Zwarte\u200bkat", "Zwartekat"),
        ("no\u00adbreak", "nobreak"),
        ("a\ufeffb\ufff9c\U000e0041d\u3164e", "abcde"),
        ("cafe\u200b\u0301", "caf\u00e9"),
        ("Ada  \u00a0 Lovelace", "Ada Lovelace"),
        ("10\u202f\u20ac", "10 \u20ac"),
        ("\u0e17\u0e35\u0e48", "\u0e17\u0e35\u0e48"),
        # Nothing of these can be seen.
        ("\u200b", ""),
        ("\u200d\u2060 \ufeff", ""),
        ("\u3164", ""),
        ("\u2800\ufe0f\U000e0041", ""),
    ],
    ids=ascii,
)
def test_text_has_one_form(typed: str, text: str) -> None:
    assert human_text(typed) == text
    assert human_text(text) == text


@pytest.mark.parametrize(
    "code", [0x0, 0x7, 0x1B, 0x7F, 0x9B, 0x202A, 0x202E, 0x2066, 0x2069, 0xD800, 0xFFFE, 0x1FFFE]
)
def test_control_characters_are_refused_by_name(code: int) -> None:
    for lines in (False, True):
        with pytest.raises(ValueError, match=rf"U\+{code:04X}\.$"):
            human_text(f"a{chr(code)}b", lines=lines)


def test_letters_have_no_more_marks_than_a_language_has() -> None:
    assert human_text("a" + "\u0316" * 8) == "a" + "\u0316" * 8
    for lines in (False, True):
        with pytest.raises(ValueError, match="more than 8 marks on a letter"):
            human_text("a" + "\u0316" * 60, lines=lines)


def test_a_text_that_cannot_be_seen_is_not_blamed_on_its_length() -> None:
    for typed in ("\u200b\u200b", "\u3164"):
        with pytest.raises(ma.ValidationError, match="Must have characters that can be seen"):
            Text(max_length=100).deserialize(typed)
    with pytest.raises(ma.ValidationError, match="Length must be"):
        Text(max_length=100).deserialize("  ")


def test_a_long_text_is_read_in_linear_time() -> None:
    started = time.thread_time()
    for hostile in ("a" + " " * 60_000 + "b", "a" + " \t" * 30_000 + "b", "\u200b" * 60_000):
        human_text(hostile)
        typed_code(hostile)
    assert time.thread_time() - started < 5  # in quadratic time it takes minutes


def test_a_long_value_is_refused_before_it_is_normalized() -> None:
    marks = "a" + "\u0316\u0301" * 30_000
    with pytest.raises(ma.ValidationError, match="Length must be"):
        Text(max_length=100).deserialize(marks)
    assert typed_code(marks) == ""
    assert canonical_email(f"{marks}@example.com") is None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_end_with_a_line_feed(end: str) -> None:
    assert human_text(f"one{end}\ttwo", lines=True) == "one\n\ttwo"
    assert human_text(f"one{end}\ttwo") == "one two"


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("\u202a+1\u00a0415\u2011555\u20130100\u202c", "+1 415-555-0100"),
        ("\uff14\uff19\uff12\uff10\uff13\uff19", "492039"),
        ("\u0664\u0669\u0662\u0660\u0663\u0669", "492039"),
        ("492\u2009039\n", "492 039"),
        ("K4RT\u20145ZQA", "K4RT-5ZQA"),
        ("SAVE\u200b10", "SAVE10"),
        ("A\u22121", "A-1"),
    ],
    ids=ascii,
)
def test_a_code_is_read_as_if_it_was_typed(pasted: str, code: str) -> None:
    assert typed_code(pasted) == code


def test_an_address_keeps_everything_that_can_be_seen() -> None:
    assert (
        visible_text("\u202a\u2060j\u00f6rg\u200b@b\u00fccher.example\u00a0\u202c")
        == "j\u00f6rg@b\u00fccher.example"
    )


def test_an_address_that_is_not_what_it_looks_like_is_invalid() -> None:
    assert canonical_email("b\u202ec@example.com") is None
    assert canonical_email("b\u200bc@example.com") == "bc@example.com"
