"""deploy/kubernetes/release.py: in which order it calls kubectl, and what it takes back."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Counter, generate_latest

from tests.deploy import exported
from tests.deploy.manifests import COMMANDS, KUBERNETES, OVERLAYS, manifests

IMAGE = "ghcr.io/someone/payment-flow@sha256:" + "5b" * 32

#: Answers as answers.json beside it says, by the first words of the call, and notes each call. What
#: was taken back works.
KUBECTL = f"""#!{sys.executable} -IS
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
words = [word for word in sys.argv[1:] if word not in ("--namespace", "payment-flow")]
text = "" if "-" not in words else sys.stdin.read()
with open(folder / "calls", "a") as calls:
    calls.write(json.dumps([words, text]) + "\\n")
if words[:2] == ["rollout", "undo"]:
    (folder / "answers.json").write_text("{{}}")
answers = json.loads((folder / "answers.json").read_text())
for key, (code, output) in answers.items():
    if " ".join(words).startswith(key):
        (sys.stderr if code else sys.stdout).write(output)
        sys.exit(code)
"""


@dataclass
class Cluster:
    folder: Path
    answers: dict[str, tuple[int, str]]

    def release(self, *options: str, overlay: str = "k3s", image: str = IMAGE) -> tuple[int, str]:
        (self.folder / "answers.json").write_text(json.dumps(self.answers))
        result = subprocess.run(
            [sys.executable, KUBERNETES / "release.py", overlay, image, *options],
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        return result.returncode, result.stderr

    def calls(self) -> list[tuple[list[str], str]]:
        lines = (self.folder / "calls").read_text().splitlines()
        return [(words, text) for words, text in map(json.loads, lines)]

    def changes(self) -> list[str]:
        """The calls that change something, or wait for it."""
        lines = [" ".join(words) for words, _ in self.calls()]
        changing = ("apply", "delete", "rollout", "set")
        return [line for line in lines if line.split()[0] in changing]


def job(condition: str) -> tuple[int, str]:
    return 0, json.dumps({"status": {"conditions": [{"type": condition, "status": "True"}]}})


def deployments(**revisions: str) -> tuple[int, str]:
    items = [
        {
            "metadata": {
                "name": name,
                "annotations": {"deployment.kubernetes.io/revision": revision},
            }
        }
        for name, revision in revisions.items()
    ]
    return 0, json.dumps({"items": items})


def pods(*running: tuple[str, str]) -> tuple[int, str]:
    """Ready ones, with their images."""
    items = [
        {
            "metadata": {"name": name},
            "spec": {"containers": [{"image": image}]},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": ""}]},
        }
        for name, image in running
    ]
    return 0, json.dumps({"items": items})


def metrics(*, failed: int, answered: int) -> tuple[int, str]:
    """As the web server of the application writes them."""
    registry = CollectorRegistry()
    labels = ["failed", "slow"]
    counter = Counter("payment_flow_answered_requests_total", "…", labels, registry=registry)
    counter.labels("true", "false").inc(failed)
    counter.labels("false", "false").inc(answered - failed)
    return 0, generate_latest(registry).decode()


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """One in which the version before runs."""
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    return Cluster(
        tmp_path,
        {
            "kustomize": (0, yaml.safe_dump_all(manifests("k3s"))),
            "get deployments": deployments(web="7", worker="5", live="3", other="1"),
            "get job migrate": job("Complete"),
            "get pods": pods(("web-1", "before"), ("web-2", IMAGE)),
            "exec web-2": metrics(failed=0, answered=300),
        },
    )


APPLY_JOB = "apply -f - -l app.kubernetes.io/component=migrate"
STATUS = [f"rollout status deployment/{name} --timeout=10m" for name in ("web", "worker", "live")]


def test_the_schema_is_migrated_before_the_processes_are_replaced(cluster: Cluster) -> None:
    assert cluster.release() == (0, "")
    assert cluster.changes() == [
        "delete job migrate --ignore-not-found", APPLY_JOB, "apply -f -", *STATUS
    ]  # fmt: skip


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_of_ours_runs_the_image(cluster: Cluster, overlay: str) -> None:
    cluster.answers["kustomize"] = (0, yaml.safe_dump_all(manifests(overlay)))
    assert cluster.release(overlay=overlay) == (0, "")
    (applied,) = [text for words, text in cluster.calls() if words == ["apply", "-f", "-"]]
    images: dict[str, Any] = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in yaml.safe_load_all(applied)
        if each["kind"] in ("Deployment", "StatefulSet", "Job")
    }
    assert {name for name, image in images.items() if image == IMAGE} == COMMANDS.keys()
    assert images["redis"].startswith("redis:")


def test_the_first_release_applies_everything_at_once(cluster: Cluster) -> None:
    cluster.answers["get deployments"] = deployments()
    assert cluster.release() == (0, "")
    assert cluster.changes() == ["apply -f -", "apply -f -", *STATUS]


def test_a_migration_that_fails_replaces_nothing(cluster: Cluster) -> None:
    cluster.answers["get job migrate"] = job("Failed")
    code, error = cluster.release()
    assert (code, error) == (
        1, "Error: The migration failed; the processes were not replaced.\n"
    )  # fmt: skip
    assert cluster.changes() == ["delete job migrate --ignore-not-found", APPLY_JOB]


def test_processes_that_do_not_start_are_taken_back(cluster: Cluster) -> None:
    """Each to the number that it had, also those that had not been replaced yet."""
    cluster.answers[STATUS[1]] = (1, "timed out waiting for the condition")
    code, error = cluster.release()
    assert code == 1
    assert "timed out" in error
    assert error.endswith("The version before runs again.\n")
    undone = [f"rollout undo deployment/{name} --to-revision={number}"
              for name, number in (("web", 7), ("worker", 5), ("live", 3))]  # fmt: skip
    assert cluster.changes()[-6:] == [*undone, *STATUS]


CANARY = ["--canary", "0.0005"]
TRIAL = [f"set image deployment/web web={IMAGE}", "rollout pause deployment/web"]


def test_one_pod_is_tried_before_the_others_are_replaced(cluster: Cluster) -> None:
    assert cluster.release(*CANARY) == (0, "")
    assert cluster.changes() == [
        "delete job migrate --ignore-not-found", APPLY_JOB,
        *TRIAL, "rollout resume deployment/web", "apply -f -", *STATUS,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("failed", "answered", "is_accepted"),
    [(4, 100, True), (5, 500, True), (5, 100, False), (50, 3000, False)],
)
def test_a_pod_that_answers_with_errors_is_taken_back(
    cluster: Cluster, failed: int, answered: int, is_accepted: bool
) -> None:
    cluster.answers["exec web-2"] = metrics(failed=failed, answered=answered)
    code, error = cluster.release(*CANARY)
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


def test_an_image_without_a_digest_is_refused(cluster: Cluster) -> None:
    code, error = cluster.release(image="ghcr.io/someone/payment-flow:1.1.0")
    assert code == 1
    assert "digest" in error
    assert not (cluster.folder / "calls").exists()
