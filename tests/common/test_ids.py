"""Identifiers of rows, as other systems repeat them to us."""

from uuid import UUID

import pytest

from app.common.db import new_id
from app.common.ids import parse_id


def test_an_id_is_understood_as_it_was_sent() -> None:
    sent = new_id()
    assert parse_id(str(sent)) == sent


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        UUID(int=7),
        "",
        "an order",
        "01993C1E-7C1A-7B52-9F6E-2B8F0F6F7A11",
        "{01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11}",
        "01993c1e7c1a7b529f6e2b8f0f6f7a11",
        "urn:uuid:01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11",
        " 01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11",
    ],
    ids=repr,
)
def test_no_other_spelling_is_an_id(text: object) -> None:
    assert parse_id(text) is None
