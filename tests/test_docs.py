"""The documentation refers to existing files, commands and headings."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli import main
from app.common.settings import PROJECT_ROOT

PAGES = [
    PROJECT_ROOT / "README.md",
    PROJECT_ROOT / "CONTRIBUTING.md",
    *sorted((PROJECT_ROOT / "docs").rglob("*.md")),
]

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_ROOT))
)


def prose(page: Path) -> str:
    """The text of a page without code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub derives from the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    roots = (PROJECT_ROOT, PROJECT_ROOT / "app", PROJECT_ROOT / "app" / "common")
    named = re.findall(r"`([\w./-]+\.(?:py|sql|md|yml|toml|lock))`", prose(page))
    missing = [
        name for name in named if "/" in name and not any((root / name).exists() for root in roots)
    ]
    assert missing == []


@each_page
def test_commands_that_are_named_exist(page: Path) -> None:
    assert isinstance(main, click.Group)
    named = re.findall(r"\./flow ([a-z][\w-]*)", page.read_text())
    assert {name for name in named if name not in main.commands} == set()


def test_every_command_is_listed() -> None:
    assert isinstance(main, click.Group)
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    listed = set(re.findall(r"`\./flow ([\w-]+)", page))
    assert main.commands.keys() <= listed


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    declared = [
        *project["project"]["dependencies"],
        *(one for group in project.get("dependency-groups", {}).values() for one in group),
        *(
            one
            for group in project["project"].get("optional-dependencies", {}).values()
            for one in group
        ),
    ]
    names = {re.split(r"[^\w.-]", one)[0].lower() for one in declared}
    page = (PROJECT_ROOT / "docs" / "dependencies.md").read_text()
    explained = set(re.findall(r"^\| ([\w.-]+)(?: \([\w, ]+\))? \|", page, re.M)) - {"package"}
    assert explained == names
