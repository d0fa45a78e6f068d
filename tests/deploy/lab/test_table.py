"""The table of drills."""

import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from app.common.settings import PROJECT_ROOT
from deploy.lab import table
from deploy.lab.books import Comparison, Outage
from deploy.lab.drill import Result
from deploy.lab.drills import DRILLS
from deploy.lab.instruments import Observed

PAGE = "before\n<!-- begin generated drills (by `./flow lab drill --write`) -->\n{}<!-- end generated drills -->\nafter\n"  # noqa: E501


def result(
    name: str, *, lost: int = 0, unanswered: int = 0, problems: tuple[str, ...] = ()
) -> Result:
    return Result(
        name=name,
        purchases=1234,
        failed=Counter({"503 UNAVAILABLE": 3, "no answer TimeoutError": 1}),
        outage=Outage(last=-0.12, first=3.456),
        comparison=Comparison(lost, 0, unanswered),
        observed=Observed(1, [20, 20, 0], [0, 0, 3], [1, 1, 0], {}, {}),
        notes=["a note"],
        problems=list(problems),
        at=datetime(2026, 11, 27, tzinfo=UTC),
    )


def test_a_row_has_the_figures_of_a_drill() -> None:
    assert table.line(result("switchover")) == (
        "| `switchover` | 1,234 | 4 (503 UNAVAILABLE: 3, no answer TimeoutError: 1)"
        " | -0.1 s | +3.5 s | 3.6 s | 0 | 0"
        " | 20/s, then 0/s at least; 1 s below half; 3 errors/s at most | a note |"
    )


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (result("a", lost=2), "| 2 | 0 |"),
        (result("a", unanswered=3), "**3 without an answer**"),
        (result("a", problems=("split brain",)), "**split brain**"),
    ],
)
def test_what_is_wrong_is_in_the_row(bad: Result, words: str) -> None:
    assert not bad.is_good
    assert words in table.line(bad)


def test_a_row_takes_the_place_of_the_earlier_one_of_its_drill() -> None:
    page = PAGE.format("")
    for name in ("a", "b", "a"):
        page = table.updated(page, table.line(result(name, lost=int(name == "a"))))
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [table.line(result("a", lost=1)), table.line(result("b"))]
    assert page.startswith("before\n")
    assert page.endswith("-->\nafter\n")


def test_the_page_has_a_row_for_every_drill() -> None:
    text = (PROJECT_ROOT / "docs" / "scale.md").read_text()
    shown = re.findall(r"(?m)^\| `([a-z-]+)` \| [\d,]+ \|", text)
    assert sorted(shown) == sorted(DRILLS)
