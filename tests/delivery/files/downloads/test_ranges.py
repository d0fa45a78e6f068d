"""Parsing of Range headers."""

import pytest

from app.delivery.files.downloads.ranges import parse_range
from app.delivery.files.errors import RangeNotSatisfiable

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-999", (0, 1000)),
        ("bytes=0-5000", (0, 1000)),
        ("bytes=200-", (200, 1000)),
        ("bytes=999-", (999, 1000)),
        ("bytes=-1", (999, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("Bytes=5-9", (5, 10)),
        ("bytes= 5-9 ", (5, 10)),
    ],
)
def test_a_single_range_is_parsed(header: str, part: tuple[int, int]) -> None:
    assert parse_range(header, size=SIZE) == part


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=9-5",
        "bytes=0-1,5-6",
        "bytes=a-b",
        "bytes=--5",
        "bytes=5",
        "bytes=\u0665-",
        "items=0-5",
        "bytes=0x1-",
        "bytes=" + "9" * 40 + "-",
    ],
)
def test_anything_else_means_the_whole_file(header: str | None) -> None:
    assert parse_range(header, size=SIZE) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=99999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_not_satisfiable(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        parse_range(header, size=SIZE)
    assert refused.value.headers == {"Content-Range": "bytes */1000"}
