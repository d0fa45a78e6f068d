#!/usr/bin/env python3
"""Roll an image out: migrate, replace the processes, and take that back if they do not start.

python3 deploy/kubernetes/release.py k3s ghcr.io/OWNER/payment-flow@sha256:DIGEST
python3 deploy/kubernetes/release.py k3s ghcr.io/OWNER/payment-flow@sha256:DIGEST --canary 10

--canary MINUTES: at first one pod of the web server only, which must answer for so long.

Uses `kubectl` with its current context. What a migration did is not taken back: the version before
works with the newer schema, unless docs/upgrading.md says otherwise.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

OVERLAYS = Path(__file__).parent / "overlays"
NAMESPACE = "payment-flow"
DEPLOYMENTS = ("web", "worker", "live")
COMPONENT = "app.kubernetes.io/component="
#: Annotation of a Deployment: the number of its pod template.
REVISION = "deployment.kubernetes.io/revision"
MIGRATION_SECONDS = 1800
START_SECONDS = 600
ROLLOUT = "10m"
POLL_SECONDS = 2
#: Of the answers of the first pod, with a status of 500 or more. A few may have another reason.
MAX_FAILED = 0.01
MIN_FAILED = 5
#: Prints the metrics of the web server of a pod.
READ_METRICS = """
import os, urllib.request as u
headers = {"Authorization": "Bearer " + os.environ["METRICS_TOKEN"]}
request = u.Request("http://127.0.0.1:3000/metrics", headers=headers)
print(u.build_opener(u.ProxyHandler({})).open(request, timeout=4).read().decode())
"""


class Failed(Exception):
    """The message is one sentence for a person."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overlay", choices=sorted(path.name for path in OVERLAYS.iterdir()))
    parser.add_argument("image", help="NAME@sha256:…")
    parser.add_argument("--canary", type=float, metavar="MINUTES", default=0)
    given = parser.parse_args(arguments)
    try:
        release(given.overlay, given.image, canary_seconds=given.canary * 60)
    except Failed as failure:
        print(f"Error: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def release(overlay: str, image: str, *, canary_seconds: float) -> None:
    """Raises Failed."""
    if not re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image):
        raise Failed("The image must be named by its digest, NAME@sha256:…: tags can be moved.")
    manifests = with_image(kubectl("kustomize", str(OVERLAYS / overlay)), image)
    before = revisions()
    if not before:
        say("Installing everything for the first time ...")
        kubectl("apply", "-f", "-", text=manifests)
    else:
        say("Migrating ...")
        # A Job cannot be changed.
        kubectl(*here("delete", "job", "migrate", "--ignore-not-found"))
        kubectl("apply", "-f", "-", "-l", COMPONENT + "migrate", text=manifests)
    await_migration()
    try:
        if before and canary_seconds:
            try_one_pod(image, canary_seconds)
        say("Replacing the processes ...")
        kubectl("apply", "-f", "-", text=manifests)
        for name in DEPLOYMENTS:
            kubectl(*here("rollout", "status", f"deployment/{name}", f"--timeout={ROLLOUT}"))
    except Failed as failure:
        if not before:
            raise
        say("Taking it back ...")
        take_back(before)
        raise Failed(f"{failure} The version before runs again.") from None
    say(f"{image} is released.")


def with_image(manifests: str, image: str) -> str:
    """The manifests with another image of ours."""
    changed, count = re.subn(
        r"(?m)^(\s*(?:- )?image: )(?:\S*/)?payment-flow(?:[:@]\S+)?$", rf"\g<1>{image}", manifests
    )
    if count <= len(DEPLOYMENTS):
        raise Failed("The overlay does not use the image payment-flow everywhere.")
    return changed


def revisions() -> dict[str, str]:
    """The number of the pod template of each Deployment; empty before the first release."""
    found = json.loads(kubectl(*here("get", "deployments", "-o", "json")))["items"]
    return {
        each["metadata"]["name"]: each["metadata"]["annotations"][REVISION]
        for each in found
        if each["metadata"]["name"] in DEPLOYMENTS
    }


def await_migration() -> None:
    """Raises Failed when the Job has failed, with the end of its log."""
    deadline = time.monotonic() + MIGRATION_SECONDS
    while time.monotonic() < deadline:
        status = json.loads(kubectl(*here("get", "job", "migrate", "-o", "json")))["status"]
        ended = {each["type"] for each in status.get("conditions", ()) if each["status"] == "True"}
        if "Complete" in ended:
            return
        if "Failed" in ended:
            say(kubectl(*here("logs", "job/migrate", "--tail=20")))
            raise Failed("The migration failed; the processes were not replaced.")
        time.sleep(POLL_SECONDS)
    raise Failed("The migration has not ended; the processes were not replaced.")


def try_one_pod(image: str, seconds: float) -> None:
    """Raises Failed if it does not start, or answers too often with an error."""
    say(f"Trying one pod of the web server for {seconds / 60:g} minutes ...")
    kubectl(*here("set", "image", "deployment/web", f"web={image}"))
    # Before it is ready, no other pod is replaced.
    kubectl(*here("rollout", "pause", "deployment/web"))
    deadline = time.monotonic() + START_SECONDS
    while (pod := ready_pod(image)) is None:
        if time.monotonic() > deadline:
            raise Failed("The first pod of the new version does not become ready.")
        time.sleep(POLL_SECONDS)
    failed = answered = 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(min(POLL_SECONDS, seconds))
        failed, answered = answers(pod)
        if failed >= MIN_FAILED and failed > MAX_FAILED * answered:
            raise Failed(f"{failed} of {answered} answers of the new version were errors.")
        if ready_pod(image) != pod:
            raise Failed("The first pod of the new version has ended.")
    say(f"{failed} of {answered} answers were errors.")
    kubectl(*here("rollout", "resume", "deployment/web"))


def ready_pod(image: str) -> str | None:
    """The name of a pod of the web server that runs the image and gets requests."""
    pods = json.loads(kubectl(*here("get", "pods", "-l", COMPONENT + "web", "-o", "json")))["items"]
    for pod in pods:
        ready = {"type": "Ready", "status": "True"}.items()
        is_ready = any(ready <= each.items() for each in pod["status"].get("conditions", ()))
        if is_ready and pod["spec"]["containers"][0]["image"] == image:
            return str(pod["metadata"]["name"])
    return None


def answers(pod: str) -> tuple[int, int]:
    """How many answers had a status of 500 or more, and how many there were."""
    text = kubectl(*here("exec", pod, "--", "python", "-c", READ_METRICS))
    counted = re.findall(
        r'^payment_flow_answered_requests_total{failed="(\w+)".*} ([\d.e+]+)$', text, re.M
    )
    values = [(failed == "true", int(float(value))) for failed, value in counted]
    return sum(value for failed, value in values if failed), sum(value for _, value in values)


def take_back(before: dict[str, str]) -> None:
    # After a trial that failed; otherwise it is refused, because nothing is paused.
    with suppress(Failed):
        kubectl(*here("rollout", "resume", "deployment/web"))
    for name, revision in before.items():
        # By its number: after a failure in between, the one before is another.
        kubectl(*here("rollout", "undo", f"deployment/{name}", f"--to-revision={revision}"))
    for name in before:
        kubectl(*here("rollout", "status", f"deployment/{name}", f"--timeout={ROLLOUT}"))


def here(*arguments: str) -> tuple[str, ...]:
    return ("--namespace", NAMESPACE, *arguments)


def kubectl(*arguments: str, text: str | None = None) -> str:
    """What the command prints. text: for its standard input. Raises Failed."""
    result = subprocess.run(  # noqa: S603
        ["kubectl", *arguments],  # noqa: S607
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        words = " ".join(["kubectl", *arguments])
        raise Failed(f"{words} failed: {result.stderr.strip().rstrip('.')}.")
    return result.stdout


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
