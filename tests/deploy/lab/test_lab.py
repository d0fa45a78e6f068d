"""The lab itself: it starts, survives a drill, and leaves nothing behind."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from websockets.sync.client import connect

from app.common.settings import PROJECT_ROOT
from deploy.lab import hosts, network, packages
from deploy.lab.services import gateway, monitor

MISSING = ", ".join(packages.missing())

pytestmark = [
    pytest.mark.stress,
    pytest.mark.linux,
    pytest.mark.root,
    pytest.mark.skipif(bool(MISSING), reason=f"the lab needs {MISSING}"),
    pytest.mark.skipif(
        network.BRIDGE in psutil.net_if_stats(), reason="another lab runs on this machine"
    ),
]


def lab(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy.lab", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def require_gateway(folder: Path) -> None:
    """TLS with HTTP/2, the client's request id, a stream over WebSocket, and the limit of rate."""
    host = hosts.address("gateway")
    trusted = gateway.trusted(folder)
    trusted.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((host, 443), timeout=10) as plain,
        trusted.wrap_socket(plain, server_hostname=host) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"

    connection = http.client.HTTPSConnection(host, timeout=10, context=gateway.trusted(folder))
    connection.request("GET", "/health/live", headers={"X-Request-Id": "from-the-client"})
    response = connection.getresponse()
    response.read()
    assert (response.status, response.headers["X-Request-Id"]) == (200, "from-the-client")

    with connect(f"wss://{host}/stream", ssl=gateway.trusted(folder), proxy=None) as stream:
        assert json.loads(stream.recv(timeout=10))["type"] == "connection"

    statuses = set()
    for _ in range(2000):
        connection.request("GET", "/no-such-path")
        response = connection.getresponse()
        response.read()
        statuses.add(response.status)
    connection.close()
    assert statuses == {404, 429}


def test_it_starts_loses_a_leader_and_leaves_nothing_behind(tmp_path: Path) -> None:
    try:
        for command in ("up", "up", "status"):
            done = lab(tmp_path, command)
            assert done.returncode == 0, done.stdout + done.stderr
        assert f"Prometheus is at {monitor.ADDRESS}\n" in done.stdout
        require_gateway(tmp_path / "lab")
        done = lab(tmp_path, "drill", "leader-killed")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "| `leader-killed` |" in done.stdout
        # Prometheus saw that purchases stopped, and who leads.
        assert re.search(r"/s, then [\d.]+/s at least; \d+ s below half", done.stdout)
        picture = tmp_path / "lab" / "outside" / "leader-killed.svg"
        lines = ET.parse(picture).findall(".//{*}polyline")
        assert [len(set(line.attrib["points"].split())) > 10 for line in lines] == [True] * 3
    finally:
        down = lab(tmp_path, "down")
    assert down.returncode == 0, down.stderr
    assert list(tmp_path.iterdir()) == []
    assert network.BRIDGE not in psutil.net_if_stats()
    assert [path.name for path in Path("/run/netns").glob(f"{network.BRIDGE}-*")] == []
    left = [each.info for each in psutil.process_iter(["pid", "name", "cwd"])]
    assert [each for each in left if str(each["cwd"]).startswith(str(tmp_path))] == []
