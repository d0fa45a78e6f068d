"""CHANGELOG.md: in the format of Keep a Changelog, about the version that this is."""

import re
import subprocess
from datetime import date
from itertools import pairwise

from app import VERSION
from app.common.settings import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "CHANGELOG.md").read_text()
UPGRADING = (PROJECT_ROOT / "docs" / "upgrading.md").read_text()
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
HEADINGS = re.findall(r"^## (.+)$", TEXT, re.M)


def sections() -> dict[str, str]:
    """The text of each version."""
    texts = re.split(r"^## .+$", TEXT, flags=re.M)[1:]
    return dict(zip(map(number, HEADINGS), texts, strict=True))


def number(heading: str) -> str:
    match = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (?:\d{4}-\d{2}-\d{2}|Unreleased)", heading)
    assert match, heading
    return match[1]


def test_the_newest_section_is_that_of_this_version() -> None:
    assert number(HEADINGS[0]) == VERSION
    assert TEXT.startswith("# Changelog\n")
    assert "https://keepachangelog.com" in TEXT


def test_versions_descend_and_have_dates() -> None:
    """Only that of the newest may be missing, until it is released."""
    for newer, older in pairwise(map(number, HEADINGS)):
        assert [int(part) for part in newer.split(".")] > [int(part) for part in older.split(".")]
    days = [heading.partition(" - ")[2] for heading in HEADINGS]
    dates = [date.fromisoformat(day) for day in days if day != "Unreleased"]
    assert dates == sorted(dates, reverse=True)
    assert "Unreleased" not in days[1:]


def test_changes_are_in_groups_of_known_kinds() -> None:
    for text in sections().values():
        before, *groups = re.split(r"^### ", text, flags=re.M)
        assert not re.search(r"^- ", before, re.M)
        kinds = [group.partition("\n")[0] for group in groups]
        assert kinds
        assert set(kinds) <= KINDS
        assert len(set(kinds)) == len(kinds)


def test_it_is_not_a_copy_of_the_commits() -> None:
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=PROJECT_ROOT, capture_output=True, text=True
    ).stdout
    subjects = {line.strip().rstrip(".").lower() for line in log.splitlines()}
    entries = re.findall(r"^- (.+)$", TEXT, re.M)
    assert [entry for entry in entries if entry.rstrip(".").lower() in subjects] == []


def test_operators_are_told_what_to_do() -> None:
    """A paragraph for each change that is marked, which begins as the change does."""
    released = list(sections())
    marked = 0
    for newer, older in pairwise(released):
        versions = [".".join(each.split(".")[:2]) for each in (older, newer)]
        if versions[0] == versions[1]:
            continue
        _, _, rest = UPGRADING.partition(f"\n## From {versions[0]} to {versions[1]}\n")
        guide = rest.partition("\n## ")[0]
        for entry in re.findall(r"^- .*\(upgrade\).*$", sections()[newer], re.M):
            title = re.match(r"- (\*\*.+?\*\*)", entry)
            assert title, entry
            assert f"\n{title[1]}" in guide, title[1]
            marked += 1
    assert marked
