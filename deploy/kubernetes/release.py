#!/usr/bin/env python3
"""Roll an image out: migrate, replace the processes, and take that back if they do not start.

python3 deploy/kubernetes/release.py k3s ghcr.io/OWNER/payment-flow@sha256:DIGEST

Uses `kubectl` with its current context. What a migration did is not taken back: the version before
works with the newer schema, unless docs/upgrading.md says otherwise.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

OVERLAYS = Path(__file__).parent / "overlays"
NAMESPACE = "payment-flow"
DEPLOYMENTS = ("web", "worker", "live")
COMPONENT = "app.kubernetes.io/component="
#: Annotation of a Deployment: the number of its pod template.
REVISION = "deployment.kubernetes.io/revision"
MIGRATION_SECONDS = 1800
ROLLOUT = "10m"
POLL_SECONDS = 2


class Failed(Exception):
    """The message is one sentence for a person."""


def main(arguments: list[str]) -> int:
    try:
        overlay, image = arguments
    except ValueError:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    try:
        release(overlay, image)
    except Failed as failure:
        print(f"Error: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def release(overlay: str, image: str) -> None:
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


def take_back(before: dict[str, str]) -> None:
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
