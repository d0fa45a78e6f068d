"""deploy/kubernetes/release.py: in which order it calls kubectl, and what it takes back."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Counter, generate_latest

from tests.deploy import exported
from tests.deploy.manifests import COMMANDS, KUBERNETES, OVERLAYS, manifests

IMAGE = "ghcr.io/someone/payment-flow@sha256:" + "5b" * 32

SCRIPT = KUBERNETES / "release.py"
release = ModuleType("release")
vars(release)["__file__"] = str(SCRIPT)
exec(compile(SCRIPT.read_text(), SCRIPT, "exec"), vars(release))


@dataclass
class Cluster:
    """In place of kubectl. answers: by the first words of a call, an output or an error."""

    answers: dict[str, str | Exception]
    calls: list[tuple[str, str]] = field(default_factory=list)

    def kubectl(self, *words: str, text: str | None = None) -> str:
        line = " ".join(words).removeprefix("--namespace payment-flow ")
        self.calls.append((line, text or ""))
        if line.startswith("rollout undo"):  # what was taken back works
            self.answers = {}
        answer = next((each for key, each in self.answers.items() if line.startswith(key)), "")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def changes(self) -> list[str]:
        """The calls that change something, or wait for it."""
        changing = ("apply", "delete", "rollout", "set")
        return [line for line, _ in self.calls if line.split()[0] in changing]


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the script. Returns its exit code, and what it says on standard error."""
    monkeypatch.setattr(release, "kubectl", cluster.kubectl)

    def invoke(*options: str, overlay: str = "k3s", image: str = IMAGE) -> tuple[int, str]:
        return release.main([overlay, image, *options]), capsys.readouterr().err

    return invoke


def job(condition: str) -> str:
    return json.dumps({"status": {"conditions": [{"type": condition, "status": "True"}]}})


def deployments(**revisions: str) -> str:
    items = [
        {
            "metadata": {
                "name": name,
                "annotations": {"deployment.kubernetes.io/revision": revision},
            }
        }
        for name, revision in revisions.items()
    ]
    return json.dumps({"items": items})


def pods(*running: tuple[str, str]) -> str:
    """Ready ones, with their images."""
    items = [
        {
            "metadata": {"name": name},
            "spec": {"containers": [{"image": image}]},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": ""}]},
        }
        for name, image in running
    ]
    return json.dumps({"items": items})


def metrics(*, failed: int, answered: int) -> str:
    """As the web server of the application writes them."""
    registry = CollectorRegistry()
    labels = ["failed", "slow"]
    counter = Counter("payment_flow_answered_requests_total", "…", labels, registry=registry)
    counter.labels("true", "false").inc(failed)
    counter.labels("false", "false").inc(answered - failed)
    return generate_latest(registry).decode()


@pytest.fixture
def cluster() -> Cluster:
    """One in which the version before runs."""
    return Cluster(
        {
            "kustomize": yaml.safe_dump_all(manifests("k3s")),
            "get deployments": deployments(web="7", worker="5", live="3", other="1"),
            "get job migrate": job("Complete"),
            "get pods": pods(("web-1", "before"), ("web-2", IMAGE)),
            "exec web-2": metrics(failed=0, answered=300),
        },
    )


APPLY_JOB = "apply -f - -l app.kubernetes.io/component=migrate"
STATUS = [f"rollout status deployment/{name} --timeout=10m" for name in ("web", "worker", "live")]


def test_the_schema_is_migrated_before_the_processes_are_replaced(
    cluster: Cluster, run: Run
) -> None:
    assert run() == (0, "")
    assert cluster.changes() == [
        "delete job migrate --ignore-not-found", APPLY_JOB, "apply -f -", *STATUS
    ]  # fmt: skip


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_of_ours_runs_the_image(cluster: Cluster, run: Run, overlay: str) -> None:
    cluster.answers["kustomize"] = yaml.safe_dump_all(manifests(overlay))
    assert run(overlay=overlay) == (0, "")
    (applied,) = [text for line, text in cluster.calls if line == "apply -f -"]
    images: dict[str, Any] = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in yaml.safe_load_all(applied)
        if each["kind"] in ("Deployment", "StatefulSet", "Job")
    }
    assert {name for name, image in images.items() if image == IMAGE} == COMMANDS.keys()
    assert images["redis"].startswith("redis:")


def test_the_first_release_applies_everything_at_once(cluster: Cluster, run: Run) -> None:
    cluster.answers["get deployments"] = deployments()
    assert run() == (0, "")
    assert cluster.changes() == ["apply -f -", "apply -f -", *STATUS]


def test_a_migration_that_fails_replaces_nothing(cluster: Cluster, run: Run) -> None:
    cluster.answers["get job migrate"] = job("Failed")
    code, error = run()
    assert (code, error) == (
        1, "Error: The migration failed; the processes were not replaced.\n"
    )  # fmt: skip
    assert cluster.changes() == ["delete job migrate --ignore-not-found", APPLY_JOB]


def test_processes_that_do_not_start_are_taken_back(cluster: Cluster, run: Run) -> None:
    """Each to the number that it had, also those that had not been replaced yet."""
    cluster.answers[STATUS[1]] = release.Failed("timed out waiting for the condition")
    code, error = run()
    assert code == 1
    assert "timed out" in error
    assert error.endswith("The version before runs again.\n")
    undone = [f"rollout undo deployment/{name} --to-revision={number}"
              for name, number in (("web", 7), ("worker", 5), ("live", 3))]  # fmt: skip
    assert cluster.changes()[-6:] == [*undone, *STATUS]


CANARY = ["--canary", "0.0005"]
TRIAL = [f"set image deployment/web web={IMAGE}", "rollout pause deployment/web"]


def test_one_pod_is_tried_before_the_others_are_replaced(cluster: Cluster, run: Run) -> None:
    assert run(*CANARY) == (0, "")
    assert cluster.changes() == [
        "delete job migrate --ignore-not-found", APPLY_JOB,
        *TRIAL, "rollout resume deployment/web", "apply -f -", *STATUS,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("failed", "answered", "is_accepted"),
    [(4, 100, True), (5, 500, True), (5, 100, False), (50, 3000, False)],
)
def test_a_pod_that_answers_with_errors_is_taken_back(
    cluster: Cluster, run: Run, failed: int, answered: int, is_accepted: bool
) -> None:
    cluster.answers["exec web-2"] = metrics(failed=failed, answered=answered)
    code, error = run(*CANARY)
    assert (code == 0) == is_accepted
    if not is_accepted:
        assert f"{failed} of {answered} answers of the new version were errors." in error
        # A rollout that is paused cannot be undone.
        assert cluster.changes()[2:6] == [
            *TRIAL, "rollout resume deployment/web",
            "rollout undo deployment/web --to-revision=7",
        ]  # fmt: skip
        assert "apply -f -" not in cluster.changes()


def test_the_metric_is_one_of_the_web_server() -> None:
    assert "payment_flow_answered_requests_total" in (KUBERNETES / "release.py").read_text()
    assert {"failed", "slow"} <= exported.application()["payment_flow_answered_requests_total"]


def test_an_image_without_a_digest_is_refused(cluster: Cluster, run: Run) -> None:
    code, error = run(image="ghcr.io/someone/payment-flow:1.1.0")
    assert code == 1
    assert "digest" in error
    assert cluster.calls == []


def test_it_calls_kubectl_and_says_what_that_said(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\necho no cluster is there. >&2\nexit 1\n")
    program.chmod(0o755)
    result = subprocess.run(
        [sys.executable, SCRIPT, "k3s", IMAGE],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1
    assert re.fullmatch(
        r"Error: kubectl kustomize \S+ failed: no cluster is there\.\n", result.stderr
    )
