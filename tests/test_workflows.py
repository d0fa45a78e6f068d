""".github/workflows: what they may do, and that everything they name exists."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import VERSION
from app.common.settings import PROJECT_ROOT
from tests.deploy.manifests import OVERLAYS

WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text())
    for path in sorted((PROJECT_ROOT / ".github" / "workflows").glob("*.yml"))
}
#: YAML 1.1 reads `on` as a truth value.
ON: Any = True

#: Besides reading the repository.
PERMISSIONS = {
    ("release.yml", "image"): {"packages": "write", "id-token": "write"},
    ("deploy.yml", "deploy"): {"packages": "read"},
}
JOBS = [
    pytest.param(file, name, job, id=f"{file}-{name}")
    for file, workflow in WORKFLOWS.items()
    for name, job in workflow["jobs"].items()
]
each_job = pytest.mark.parametrize(("file", "name", "job"), JOBS)


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job.get("steps", ()))


def script(file: str, job: str, step: str) -> str:
    """What a step runs. step: the first word of its name, or its id."""
    (found,) = [
        each["run"]
        for each in WORKFLOWS[file]["jobs"][job]["steps"]
        if each.get("id") == step or each.get("name", "").startswith(step)
    ]
    return str(found)


def expressions(node: Any) -> Iterator[str]:
    for found in re.findall(r"\$\{\{(.+?)\}\}", yaml.safe_dump(node, width=10_000)):
        yield found.strip()


@each_job
def test_a_job_may_do_what_it_needs_and_no_more(file: str, name: str, job: dict[str, Any]) -> None:
    allowed = WORKFLOWS[file]["permissions"] | job.get("permissions", {})
    assert allowed == {"contents": "read", **PERMISSIONS.get((file, name), {})}
    assert "uses" in job or 0 < job["timeout-minutes"] <= 60


@each_job
def test_what_a_job_names_exists(file: str, name: str, job: dict[str, Any]) -> None:
    ids = {each["id"]: each for each in steps(job) if "id" in each}
    inputs = (WORKFLOWS[file][ON].get("workflow_dispatch") or {}).get("inputs", {})
    for found in expressions(job):
        if match := re.fullmatch(r"steps\.(\w+)\.outputs\.(\w+)", found):
            step = ids[match[1]]
            assert "uses" in step or f"{match[2]}=" in step["run"]
        elif match := re.fullmatch(r"inputs\.(\w+)", found):
            assert match[1] in inputs
        elif match := re.fullmatch(r"secrets\.(\w+)", found):
            assert match[1] in {"GITHUB_TOKEN", "KUBECONFIG", "K3S_SECRETS"}
    if "uses" in job:
        assert ON in WORKFLOWS[Path(job["uses"]).name]
        assert "workflow_call" in WORKFLOWS[Path(job["uses"]).name][ON]
        assert (PROJECT_ROOT / job["uses"]).is_file()
    needed = job.get("needs", [])
    assert set([needed] if isinstance(needed, str) else needed) <= WORKFLOWS[file]["jobs"].keys()
    for step in steps(job):
        for path in re.findall(r"(?:\./)?((?:deploy|\.ci)/[\w./-]+)", step.get("run", "")):
            assert (PROJECT_ROOT / path).exists()


@each_job
def test_scripts_are_valid_and_take_no_text_of_others_as_code(
    file: str, name: str, job: dict[str, Any]
) -> None:
    """Values reach them as variables."""
    for step in steps(job):
        if "run" in step:
            assert list(expressions(step["run"])) == []
            subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
            # Its own, those of the runner, and those of the step.
            used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", step["run"]))
            own = {name for name in used if not name.startswith("GITHUB_")}
            assert own == step.get("env", {}).keys() & own


def test_a_release_is_tested_first_and_made_for_both_architectures() -> None:
    workflow = WORKFLOWS["release.yml"]
    assert workflow[ON] == {"push": {"tags": ["v*"]}}
    assert workflow["jobs"]["test"]["uses"] == "./.github/workflows/ci.yml"
    assert workflow["jobs"]["image"]["needs"] == "test"
    steps_of = {step.get("id"): step for step in workflow["jobs"]["image"]["steps"]}
    (sign,) = [
        each
        for each in workflow["jobs"]["image"]["steps"]
        if each.get("name", "").startswith("Sign")
    ]
    for name, target in (("build", None), ("backup", "backup")):
        given = steps_of[name]["with"]
        assert given.get("target") == target
        assert given["platforms"] == "linux/amd64,linux/arm64"
        assert given["sbom"] is True
        assert given["provenance"] == "mode=max"
        assert f"steps.{name}.outputs.digest" in str(sign["env"])
    assert "cosign sign" in script("release.yml", "image", "Sign")


@pytest.mark.parametrize(
    ("tag", "date", "is_released"),
    [
        (f"v{VERSION}", "2026-12-01", True),
        (f"v{VERSION}", "Unreleased", False),
        ("v0.9.0", "2026-12-01", False),
    ],
)
def test_only_the_version_that_is_tagged_and_described_is_released(
    tag: str, date: str, is_released: bool, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    shutil.copy(PROJECT_ROOT / "app" / "__init__.py", tmp_path / "app")
    changes = (PROJECT_ROOT / "CHANGELOG.md").read_text()
    heading = re.compile(rf"^## \[{re.escape(VERSION)}\] - .+$", re.M)
    (tmp_path / "CHANGELOG.md").write_text(heading.sub(f"## [{VERSION}] - {date}", changes))
    output = tmp_path / "output"
    output.touch()
    result = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script("release.yml", "image", "release")],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "GITHUB_REF_NAME": tag,
            "GITHUB_REPOSITORY": "Someone/Payment-Flow",
            "GITHUB_OUTPUT": str(output),
        },
        capture_output=True,
    )
    assert (result.returncode == 0) == is_released
    expected = f"version={VERSION}\nimage=ghcr.io/someone/payment-flow\n" if is_released else ""
    assert output.read_text() == expected


def test_deployments_are_started_by_hand_for_an_overlay_and_its_environment() -> None:
    workflow = WORKFLOWS["deploy.yml"]
    assert workflow[ON].keys() == {"workflow_dispatch"}
    assert workflow[ON]["workflow_dispatch"]["inputs"]["overlay"]["options"] == list(OVERLAYS)
    assert workflow["jobs"]["deploy"]["environment"] == "${{ inputs.overlay }}"
    # Signed by the workflow that pushes it.
    assert ".github/workflows/release.yml" in script("deploy.yml", "deploy", "image")


def test_secrets_of_k3s_are_unpacked_to_where_the_overlay_reads_them(tmp_path: Path) -> None:
    overlay = tmp_path / "deploy" / "kubernetes" / "overlays" / "k3s"
    packed = tmp_path / "packed" / "secrets"
    overlay.mkdir(parents=True)
    packed.mkdir(parents=True)
    (packed / "redis.env").write_text("password=…\n")
    page = (PROJECT_ROOT / "docs" / "kubernetes.md").read_text()
    (command,) = re.findall(r"^tar .+ secrets \| base64.*$", page, re.M)
    pack = command.replace("deploy/kubernetes/overlays/k3s", str(packed.parent))
    secret = subprocess.run(["bash", "-c", pack], capture_output=True, text=True, check=True).stdout
    subprocess.run(
        ["bash", "-e", "-c", script("deploy.yml", "deploy", "The files")],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "K3S_SECRETS": secret}, check=True,
    )  # fmt: skip
    assert (overlay / "secrets" / "redis.env").read_text() == "password=…\n"
