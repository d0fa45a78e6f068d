"""Files that tools other than ours read."""

import configparser
import json
import tomllib

import pytest
import yaml

from app.common.settings import PROJECT_ROOT


def test_editors_use_the_line_length_of_the_linter() -> None:
    parser = configparser.ConfigParser()
    parser.read_string("[start]\n" + (PROJECT_ROOT / ".editorconfig").read_text())
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    assert parser["start"]["root"] == "true"
    assert parser["*.py"]["max_line_length"] == str(project["tool"]["ruff"]["line-length"])
    assert parser["Makefile"]["indent_style"] == "tab"


def test_the_development_container_starts_with_the_packages_of_the_image() -> None:
    folder = PROJECT_ROOT / ".devcontainer"
    container = json.loads((folder / "devcontainer.json").read_text())
    own = (folder / container["build"]["dockerfile"]).read_text()
    base = (PROJECT_ROOT / "Dockerfile").read_text().split("FROM ", 1)[1].split()[0]
    assert f"FROM {base}\n" in own
    assert f"useradd --create-home --shell /bin/bash {container['remoteUser']}" in own
    assert container["postCreateCommand"].startswith("./flow ")
    assert container["forwardPorts"] == [3000, 3003, 3004]


@pytest.mark.parametrize(
    ("ecosystem", "files"),
    [
        ("pip", ["pyproject.toml"]),
        ("docker", ["Dockerfile", ".devcontainer/Dockerfile"]),
        ("docker-compose", ["docker-compose.yml"]),
        (
            "github-actions",
            [f".github/workflows/{name}.yml" for name in ("ci", "deploy", "release")],
        ),
        ("npm", ["tests/console/package.json"]),
    ],
)
def test_updates_are_proposed_for_everything_that_is_pinned(
    ecosystem: str, files: list[str]
) -> None:
    updates = yaml.safe_load((PROJECT_ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    (update,) = [each for each in updates if each["package-ecosystem"] == ecosystem]
    folders = update.get("directories") or [update["directory"]]
    for file in files:
        assert (PROJECT_ROOT / file).is_file()
        is_covered = ecosystem == "github-actions" or f"/{file.rpartition('/')[0]}" in folders
        assert is_covered, file
    assert update["schedule"]["interval"] == "weekly"
