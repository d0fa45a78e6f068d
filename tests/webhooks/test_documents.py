"""What the documents say about webhooks."""

import re
import subprocess
import sys
import time
from pathlib import Path

from flask.testing import FlaskClient

from app.common.settings import PROJECT_ROOT
from app.events.base import EVENT_TYPES, data_fields
from app.webhooks import catalogue
from tests.factories import Actor
from tests.ports import unused_port
from tests.webhooks.helpers import create, deliver, occurred

_SECTION = r"## Be told what happened\n.*?```python\n(.*?)```"


def test_the_receiver_of_the_readme_receives(
    client: FlaskClient, seller: Actor, tmp_path: Path
) -> None:
    (code,) = re.findall(_SECTION, (PROJECT_ROOT / "README.md").read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    port = unused_port()
    endpoint = create(client, seller, f"http://localhost:{port}")
    (tmp_path / "receiver.py").write_text(
        code.replace("whsec_…", endpoint["secret"]).replace("8000", str(port))
    )
    with subprocess.Popen(
        [sys.executable, "receiver.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            time.sleep(1.5)
            (event,) = occurred(seller)
            deliver()
        finally:
            process.terminate()
        output, errors = process.communicate(timeout=10)
    assert "POST / HTTP/1.1" in errors
    assert "204" in errors
    assert output.startswith("giveaway-created {'id': '" + str(event.aggregate_id))


def test_every_type_is_listed() -> None:
    page = (PROJECT_ROOT / "docs" / "webhooks.md").read_text()
    listed = re.findall(r"^\| `([a-z-]+)` \| ([a-z ]+) \| (.+) \|$", page, re.MULTILINE)
    assert listed == list(catalogue.described())


def test_every_event_that_names_a_merchant_can_be_received() -> None:
    """Apart from what only those who operate the system have to deal with."""
    for_operators = {
        "refund-flagged",
        "checkout-flagged",
        "payment-refused",
        "payment-under-review",
    }
    naming = {name for name, event in EVENT_TYPES.items() if "merchant_id" in data_fields(event)}

    assert naming - for_operators <= set(catalogue.WEBHOOK_TYPES)
