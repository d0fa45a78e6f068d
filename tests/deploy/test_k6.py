"""deploy/k6: the scripts are valid, and buy from the real server; k6 itself is not needed."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.common.settings import PROJECT_ROOT
from tests.live import LiveServer

K6 = PROJECT_ROOT / "deploy" / "k6"
SCRIPTS = ("smoke", "load", "stress", "soak")
RUNNER = Path(__file__).parent / "k6" / "run.mjs"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def run(script: str, *arguments: str, **variables: str) -> dict[str, Any]:
    environment = {**os.environ, "NODE_NO_WARNINGS": "1", **variables}
    result = subprocess.run(
        ["node", RUNNER, K6 / f"{script}.js", *arguments],
        capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_there_is_a_script_for_each_kind_of_test() -> None:
    assert {path.stem for path in K6.glob("*.js")} == {*SCRIPTS, "shop"}


@needs_node
@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_valid(script: str) -> None:
    found = run(script)
    assert found["functions"]
    # Each limits what is measured, and something of it is declared nowhere else than by k6.
    own = found["thresholds"].keys() - found["metrics"].keys()
    assert own <= {"checks", "http_req_failed", "dropped_iterations"}
    assert found["thresholds"]["purchases_doubled"] == ["count==0"]
    assert "purchase_time" in found["thresholds"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_name_their_settings(script: str) -> None:
    """Every variable that a script reads is in a comment of it, or of shop.js."""
    text = (K6 / f"{script}.js").read_text()
    shop = (K6 / "shop.js").read_text()
    for name in re.findall(r"__ENV\.(\w+)", text + shop):
        assert re.search(rf"^//.*\b{name}\b", text + shop, re.M), name


@needs_node
@pytest.mark.stress
@pytest.mark.parametrize("script", ["smoke", "load"])
def test_scripts_buy(script: str, live_server: LiveServer) -> None:
    found = run(script, "2", BASE_URL=live_server.url, BUYERS="2")
    assert all(all(results) for results in found["checks"].values()), found["checks"]
    assert len(found["metrics"]["purchases"]) == 2
    assert not found["metrics"]["purchases_doubled"]
    assert {
        "purchase is 201",
        "repeated purchase is the same order",
        "repeated purchase is marked",
        "wallet is 200",
        "catalogue is 200",
        "what was paid is what was sold",
    } == found["checks"].keys()
