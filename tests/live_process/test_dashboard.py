"""The original dashboard: every call that it makes, against all real processes.

Names, types and meanings are those of docs/live.md, which are the dashboard's.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from websockets.sync.client import ClientConnection

from app.common.settings import Settings
from tests import servers
from tests.live import Api, LiveServer, Response, wait_until
from tests.live_process.helpers import LiveProcess, is_silent, next_transaction
from tests.ports import unused_port
from tests.simulators import process

pytestmark = pytest.mark.stress

#: A page of Next.js on the machine of a developer.
ORIGIN = "http://localhost:3000"
TRANSACTION = {
    "id": int,
    "transaction_id": str,
    "user_id": int,
    "amount": (int, float),
    "merchant": str,
    "status": str,
    "decline_reason": (str, type(None)),
    "processing_latency": int,
    "currency": str,
    "risk_score": (int, float, type(None)),
    "timestamp": str,
}
STATS = {
    "approvalRate": (int, float),
    "totalTransactions": int,
    "approvedTransactions": int,
    "declinedTransactions": int,
    "averageApprovedAmount": (int, float),
    "totalVolume": (int, float),
    "transactionsLastMinute": int,
    "volumePerMinute": list,
    "systemMetrics": dict,
}
METRICS = {
    "averageLatency": (int, float),
    "uptime": (int, float),
    "processedTransactions": int,
    "transactionsPerSecond": str,
}
TRANSACTIONS = "/api/transactions"
PRODUCER = f"{TRANSACTIONS}/producer"


def require_shape(found: dict[str, Any], shape: dict[str, Any]) -> None:
    """Check that all fields are there with their types. Others may be added."""
    for name, types in shape.items():
        assert isinstance(found[name], types), (name, found[name])
        assert not isinstance(found[name], bool), name


@dataclass(frozen=True)
class Dashboard:
    """Calls the live process as the pages do."""

    live: LiveProcess

    def call(self, method: str, path: str, body: Any = None) -> Response:
        headers = {"Origin": ORIGIN}
        if method == "POST":  # also without a body
            headers["Content-Type"] = "application/json"
        return self.live.call(method, path, body, headers=headers)

    def succeed(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.call(method, path, body)
        assert answer.status == 200, answer.text
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        found: dict[str, Any] = answer.json
        assert found["success"] is True
        return found

    def transactions(self, limit: int | None = None) -> list[dict[str, Any]]:
        query = "" if limit is None else f"?limit={limit}"
        found = self.succeed("GET", TRANSACTIONS + query)
        assert found["count"] == len(found["data"]) <= (limit or 50)
        ids = [each["id"] for each in found["data"]]
        assert ids == sorted(ids, reverse=True)
        for each in found["data"]:
            require_transaction(each)
        return list(found["data"])

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = self.succeed("GET", "/api/stats")["data"]
        require_shape(stats, STATS)
        require_shape(stats["systemMetrics"], METRICS)
        starts = [datetime.fromisoformat(each["minute"]) for each in stats["volumePerMinute"]]
        assert starts == sorted(starts, reverse=True)
        assert len(starts) <= 60
        for each in stats["volumePerMinute"]:
            require_shape(each, {"minute": str, "count": int, "volume": (int, float)})
        return stats


def require_transaction(found: dict[str, Any]) -> None:
    require_shape(found, TRANSACTION)
    assert found["status"] in {"APPROVED", "DECLINED", "REVIEW"}
    assert (found["decline_reason"] is not None) == (found["status"] == "DECLINED")
    # What is refused for lack of funds is not screened.
    assert found["risk_score"] is not None or found["status"] == "DECLINED"
    assert 0 <= (found["risk_score"] or 0) <= 1
    assert found["processing_latency"] >= 0
    assert datetime.fromisoformat(found["timestamp"]).utcoffset() == timedelta(0)
    UUID(found["transaction_id"])


@pytest.fixture(scope="module")
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    with (
        servers.database(f"payment_flow_dashboard_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1) as started,
        started.worker(),
    ):
        yield started


@pytest.fixture(scope="module")
def dashboard(
    server: LiveServer, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dashboard]:
    folder: Path = tmp_path_factory.mktemp("traffic")
    port = str(unused_port())
    traffic = {
        "TRAFFIC_API_URL": f"{server.url}/api/v1",
        "TRAFFIC_PORT": port,
        "DATA_DIR": str(folder),
    }
    with process("traffic", **traffic):
        wait_until(lambda: listens(port), seconds=60)
        with LiveProcess.start(settings, server.database, TRAFFIC_PORT=port) as live:
            yield Dashboard(live)


def listens(port: str) -> bool:
    try:
        return Api(f"http://127.0.0.1:{port}").call("GET", "/health").status == 200
    except OSError:
        return False


def read_for(socket: ClientConnection, *, seconds: float) -> list[dict[str, Any]]:
    """The transactions that arrive until nothing does for some time."""
    found = []
    while True:
        try:
            message = json.loads(socket.recv(timeout=seconds))
        except TimeoutError:
            return found
        require_transaction(message["data"])
        found.append(message["data"])


def test_one_transaction_is_generated_shown_and_counted(
    dashboard: Dashboard, server: LiveServer
) -> None:
    assert dashboard.call("GET", "/api/health").json["status"] == "ok"
    before = dashboard.stats()
    with dashboard.live.web_socket(origin=ORIGIN) as stream:
        found = dashboard.succeed("POST", f"{TRANSACTIONS}/generate")
        assert found["message"]
        made = found["transaction"]
        require_transaction(made)
        assert next_transaction(stream) == made
        assert is_silent(stream)

    wait_until(lambda: dashboard.transactions()[0] == made, seconds=5)
    assert made["status"] == "APPROVED"
    assert made["processing_latency"] > 0
    again = dashboard.succeed("POST", f"{TRANSACTIONS}/generate")["transaction"]
    assert again["id"] > made["id"]
    assert again["user_id"] == made["user_id"]
    assert again["transaction_id"] != made["transaction_id"]
    wait_until(
        lambda: dashboard.stats()["totalTransactions"] == before["totalTransactions"] + 2,
        seconds=5,
    )
    after = dashboard.stats()
    volume = made["amount"] + again["amount"]
    assert round(after["totalVolume"] - before["totalVolume"], 2) == round(volume, 2)
    verified = server.cli("verify")
    assert verified.returncode == 0, verified.stdout


def test_the_producer_is_started_changed_and_stopped(dashboard: Dashboard) -> None:
    with dashboard.live.web_socket(origin=ORIGIN) as stream:
        assert "2000 ms" in dashboard.succeed("POST", f"{PRODUCER}/start")["message"]
        assert (
            "250 ms" in dashboard.succeed("POST", f"{PRODUCER}/start", {"interval": 250})["message"]
        )
        shown = [next_transaction(stream) for _ in range(12)]
        for _ in range(2):  # the second one changes nothing
            assert dashboard.succeed("POST", f"{PRODUCER}/stop")["message"]
        shown += read_for(stream, seconds=3)
        assert is_silent(stream, seconds=3)

        # A page that opens its stream anew and loads its list shows nothing twice.
        ids = [each["id"] for each in shown]
        assert ids == sorted(set(ids))
        with dashboard.live.web_socket(origin=ORIGIN) as again:
            assert is_silent(again)
        assert list(reversed(dashboard.transactions(len(shown)))) == shown


def test_the_sums_are_those_of_the_transactions(dashboard: Dashboard) -> None:
    dashboard.succeed("POST", f"{PRODUCER}/start", {"interval": 100})
    wait_until(lambda: dashboard.stats()["totalTransactions"] >= 40, seconds=60)
    dashboard.succeed("POST", f"{PRODUCER}/stop")
    with dashboard.live.web_socket(origin=ORIGIN) as stream:
        read_for(stream, seconds=3)

    listed, stats = dashboard.transactions(100), dashboard.stats()
    assert stats["totalTransactions"] == len(listed) < 100
    by_status: dict[str, list[float]] = {"APPROVED": [], "DECLINED": [], "REVIEW": []}
    for each in listed:
        by_status[each["status"]].append(each["amount"])
    approved, declined = by_status["APPROVED"], by_status["DECLINED"]
    decided = len(approved) + len(declined)
    assert stats["approvedTransactions"] == len(approved)
    assert stats["declinedTransactions"] == len(declined)
    assert stats["approvalRate"] == round(100 * len(approved) / decided, 2)
    assert stats["totalVolume"] == round(sum(approved), 2)
    assert abs(stats["averageApprovedAmount"] - sum(approved) / len(approved)) < 0.01
    minutes = stats["volumePerMinute"]
    assert sum(minute["count"] for minute in minutes) == decided
    assert round(sum(minute["volume"] for minute in minutes), 2) == stats["totalVolume"]
    metrics = stats["systemMetrics"]
    latencies = [each["processing_latency"] for each in listed]
    assert abs(metrics["averageLatency"] - sum(latencies) / len(latencies)) < 0.01
    assert metrics["processedTransactions"] == decided
    assert metrics["transactionsPerSecond"] == f"{stats['transactionsLastMinute'] / 60:.2f}"
    assert 0 <= metrics["uptime"] <= 100


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"{TRANSACTIONS}?limit=0", None, 400),
        ("GET", f"{TRANSACTIONS}?limit=all", None, 400),
        ("POST", f"{PRODUCER}/start", {"interval": 0}, 400),
        ("POST", f"{PRODUCER}/start", {"interval": "fast"}, 400),
        ("POST", f"{PRODUCER}/pause", None, 404),
        ("GET", f"{TRANSACTIONS}/generate", None, 405),
    ],
)
def test_a_wrong_call_is_answered_in_the_same_shape(
    dashboard: Dashboard, method: str, path: str, body: Any, status: int
) -> None:
    answer = dashboard.call(method, path, body)
    assert answer.status == status
    assert answer.json["success"] is False
    assert answer.json["message"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_page_may_send_json(dashboard: Dashboard) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in (f"{PRODUCER}/start", f"{PRODUCER}/stop", f"{TRANSACTIONS}/generate"):
        answer = dashboard.live.call("OPTIONS", path, headers=asked)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "content-type" in answer.headers["access-control-allow-headers"].lower()
