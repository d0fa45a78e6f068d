"""The official library of npm accepts every delivery, during a rotation as well."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.factories import Actor
from tests.webhooks.helpers import create, deliver, occurred, send
from tests.webhooks.receiver import Receiver

pytestmark = [
    pytest.mark.stress,
    pytest.mark.skipif(shutil.which("npm") is None, reason="requires Node.js"),
]

_PACKAGE = Path(__file__).parent / "npm"


def test_npm_accepts_every_delivery(
    client: FlaskClient, seller: Actor, receiver: Receiver, tmp_path: Path
) -> None:
    folder = shutil.copytree(_PACKAGE, tmp_path / "npm")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    endpoint = create(client, seller, receiver.url, description="Zoë's shop")
    secrets = [endpoint["secret"]]
    recorded = []
    for _ in range(3):
        occurred(seller, name="Für Zoë 🎁")
        deliver()
        request = receiver.received[-1]
        recorded.append(
            {"body": request.body.decode(), "headers": request.headers, "secrets": [*secrets]}
        )
        rotated = send(
            client, seller, "POST", f"/{endpoint['id']}/rotate-secret", {"overlapDays": 7}
        )
        secrets.append(rotated.json["secret"])

    found = subprocess.run(
        ["node", "verify.js"],
        cwd=folder,
        input=json.dumps(recorded),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (found.stdout.strip(), found.stderr) == ("6", "")
