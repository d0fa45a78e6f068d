"""The table of drills, in the terminal and in docs/scale.md."""

import re
from collections.abc import Sequence
from typing import Final

from app.common.settings import PROJECT_ROOT
from deploy.lab.drill import Result

PAGE: Final = PROJECT_ROOT / "docs" / "scale.md"
_BEGIN: Final = "<!-- begin generated drills (by `./flow lab drill --write`) -->"
_END: Final = "<!-- end generated drills -->"
_HEAD: Final = (
    "| drill | purchases | failed requests | last success | first success | without purchases"
    " | lost | doubled | as Prometheus saw it | what else |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|---|---|\n"
)


def table(results: Sequence[Result]) -> str:
    """The table of these drills, as Markdown."""
    return _HEAD + "".join(f"{line(result)}\n" for result in results)


def line(result: Result) -> str:
    """The row of a drill."""
    gap, books = result.outage, result.comparison
    times = (
        (f"{gap.last:+.1f} s", f"{gap.first:+.1f} s", f"{gap.seconds:.1f} s")
        if gap
        else ("–", "never", "–")
    )
    failed = sum(result.failed.values())
    reasons = ", ".join(f"{reason}: {count}" for reason, count in result.failed.most_common(3))
    unanswered = [f"{books.unanswered} without an answer"] if books.unanswered else []
    problems = [f"**{text}**" for text in (*unanswered, *result.problems)]
    cells = (
        f"`{result.name}`",
        f"{result.purchases:,}",
        f"{failed:,} ({reasons})" if failed else "0",
        *times,
        str(books.lost),
        str(books.doubled),
        result.observed.words(),
        "; ".join((*result.notes, *problems)),
    )
    return f"| {' | '.join(cells)} |"


def updated(text: str, row: str) -> str:
    """The page with the row of a drill, in place of its earlier one."""
    before, rest = text.split(_BEGIN)
    old, after = rest.split(_END)
    name = row.split(" | ")[0]
    rows = re.findall(r"(?m)^\| `.*$", old)
    if any(each.startswith(f"{name} |") for each in rows):
        rows = [row if each.startswith(f"{name} |") else each for each in rows]
    else:
        rows.append(row)
    body = "".join(f"{each}\n" for each in rows)
    return f"{before}{_BEGIN}\n{_HEAD}{body}{_END}{after}"


def write(result: Result) -> None:
    """Update docs/scale.md, and the picture of the drill if the page has one."""
    text = PAGE.read_text()
    PAGE.write_text(updated(text, line(result)))
    if (picture := f"images/drill-{result.name}.svg") in text:
        (PAGE.parent / picture).write_text(result.picture())
