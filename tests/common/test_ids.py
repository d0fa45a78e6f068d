"""Ids of rows: creating, ordering and parsing them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.common import clock
from app.common.ids import first_id, new_id, parse_id


def test_an_id_is_parsed_from_its_text() -> None:
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
def test_other_spellings_are_not_parsed(text: object) -> None:
    assert parse_id(text) is None


class TestIds:
    def test_ids_have_version_7_and_are_in_the_order_of_creation(self) -> None:
        ids = [new_id() for _ in range(1000)]

        assert {made.version for made in ids} == {7}
        assert ids == sorted(ids)
        assert len(set(ids)) == 1000

    def test_ids_of_a_time_are_not_below_the_first_id_of_that_time(self) -> None:
        before = clock.now()
        made = new_id()
        after = clock.now()
        tick = timedelta(milliseconds=1)

        assert first_id(before) <= made < first_id(after, shift=tick)
        assert first_id(after + tick) == first_id(after, shift=tick) > made

    def test_times_beyond_the_range_of_ids_have_bounds_too(self) -> None:
        first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

        assert first_id(first, shift=-timedelta(hours=1)) == UUID(int=0)
        assert first_id(last, shift=timedelta(hours=1)) > new_id()
