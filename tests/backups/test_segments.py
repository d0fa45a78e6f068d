"""Names of WAL segments, and which of them belong to a history."""

from app.backups.segments import (
    Segment,
    first_gap,
    in_history,
    is_history,
    is_segment,
    parse_history,
    parse_lsn,
)

SIZE = 16 * 2**20
#: As PostgreSQL writes it: the third timeline left the first at 0/5000148, the second later.
HISTORY = """1\t0/5000148\tbefore 2026-11-27 09:30:00+00

2\t0/8000000\tno recovery target specified
"""


def test_names_are_those_of_postgresql() -> None:
    assert Segment(5, 1).name(SIZE) == "000000010000000000000005"
    # The last of the first four gigabytes, and the one after it.
    assert Segment(255, 2).name(SIZE) == "0000000200000000000000FF"
    assert Segment(256, 2).name(SIZE) == "000000020000000100000000"
    assert Segment(64, 1).name(64 * 2**20) == "000000010000000100000000"
    for number in (0, 255, 256, 70_000):
        assert Segment.parse(Segment(number, 7).name(SIZE), SIZE) == Segment(number, 7)


def test_other_files_are_no_segments() -> None:
    assert is_segment("0000000100000000000000FF")
    assert is_history("00000002.history")
    for name in ("latest", "0000000100000000000000FF.partial", "00000001000000000000000g", "x.new"):
        assert not is_segment(name)
        assert not is_history(name)


def test_a_history_contains_each_timeline_up_to_where_it_was_left() -> None:
    history = parse_history(3, HISTORY)

    assert history.contains(1, parse_lsn("0/5000148"))
    assert not history.contains(1, parse_lsn("0/5000149"))
    assert history.contains(2, parse_lsn("0/8000000"))
    assert history.contains(3, parse_lsn("9/0"))
    assert not history.contains(4, 1)


def test_segments_of_an_abandoned_timeline_are_left_out() -> None:
    history = parse_history(3, HISTORY)
    found = in_history(
        [Segment(9, 3), Segment(4, 1), Segment(5, 1), Segment(6, 1), Segment(8, 2)],
        history,
        size=SIZE,
    )

    assert found == [Segment(4, 1), Segment(5, 1), Segment(8, 2), Segment(9, 3)]
    assert first_gap(found, first=4, last=9) == 6
    assert first_gap(found, first=8, last=9) is None
    assert first_gap(found, first=8, last=10) == 10
