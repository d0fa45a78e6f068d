"""What is asked of Prometheus after a drill, and what is told of its answers."""

import http.server
import json
import threading
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.lab import hosts, instruments
from deploy.lab.instruments import ALERTS, DOWN, ERRORS, LEADERS, PURCHASES, Observed, observe
from deploy.lab.services import monitor
from tests.deploy.promql import unknown
from tests.deploy.rules import known
from tests.deploy.values import unused

#: A drill of 40 seconds whose fault is in the tenth. Series by query, from second to value.
ANSWERS: dict[str, list[tuple[dict[str, str], dict[int, float]]]] = {
    PURCHASES: [({}, {s: 0.5 if 12 <= s < 17 else 20.0 for s in range(40)})],
    ERRORS: [({}, {s: 2.5 if s == 13 else 0.0 for s in range(40)})],
    LEADERS: [({}, {s: float(not 11 <= s < 15) for s in range(40)})],
    DOWN: [
        (
            {"job": "patroni", "instance": f"{hosts.address('db1')}:8008"},
            dict.fromkeys(range(12, 20), 0.0),
        ),
        (
            {"job": "worker", "instance": f"{hosts.address('worker')}:3008"},
            dict.fromkeys(range(30, 32), 0.0),
        ),
    ],
    ALERTS: [
        (
            {"alertname": "PaymentFlowOld", "alertstate": "firing"},
            dict.fromkeys(range(40), 1.0),
        ),
        (
            {"alertname": "PaymentFlowTargetDown", "alertstate": "firing"},
            dict.fromkeys(range(30, 40), 1.0),
        ),
        (
            {"alertname": "PaymentFlowTargetDown", "alertstate": "pending"},
            dict.fromkeys(range(14, 30), 1.0),
        ),
    ],
}


class Prometheus(http.server.BaseHTTPRequestHandler):
    """Has `ANSWERS`, from the time 1,000,000 on."""

    def do_GET(self) -> None:
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        first, last = (int(asked[name]) - 1_000_000 for name in ("start", "end"))
        found: list[dict[str, Any]] = []
        for labels, series in ANSWERS[asked["query"]]:
            values = [[1_000_000 + s, str(v)] for s, v in series.items() if first <= s <= last]
            if values:
                found.append({"metric": labels, "values": values})
        body = json.dumps({"data": {"result": found}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 – the base class's
        pass


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Observed]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Prometheus) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setattr(monitor, "ADDRESS", f"http://127.0.0.1:{server.server_port}")
        yield observe(1_000_000.5, 1_000_010.4, 1_000_039)
        server.shutdown()
        thread.join()


def test_what_prometheus_saw_is_told_without_what_was_there_before(observed: Observed) -> None:
    assert (observed.fault, len(observed.purchases), observed.purchases[12]) == (10, 40, 0.5)
    assert observed.words() == (
        "20/s, then 0.5/s at least; 5 s below half; 2.5 errors/s at most; down: patroni of db1"
        " 8 s, worker 2 s; firing: TargetDown"
    )


def test_a_drill_in_which_nothing_happens_has_few_words() -> None:
    calm = Observed(1, [20, 20, 19], [0, 0, 0], [1, 1, 1], {}, {})
    assert calm.words() == "20/s, then 19/s at least"


def test_its_picture_marks_the_fault_within_the_panels(observed: Observed) -> None:
    svg = ET.fromstring(observed.picture("leader-killed"))
    lines = svg.findall(".//{*}polyline")
    assert len(lines) == 3
    marks = [line for line in svg.findall(".//{*}line") if line.get("class") == "mark"]
    for line, mark in zip(lines, marks, strict=True):
        points = [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]
        assert len(points) == 40
        assert points[10][0] == float(mark.attrib["x1"])
        assert {float(mark.attrib["y1"]) <= y <= float(mark.attrib["y2"]) for _, y in points} == {
            True
        }
    labels = [text.text for text in svg.findall(".//{*}text")]
    assert [labels.count(each) for each in ("-10", "+10", "+20", "+30")] == [3, 3, 3, 0]


@pytest.mark.parametrize("query", [PURCHASES, ERRORS, LEADERS, DOWN, ALERTS])
def test_queries_name_what_is_exported(query: str) -> None:
    patroni = {"patroni_primary": frozenset[str]()}
    metrics = {**known(), **patroni}
    assert unknown(query, metrics) == []
    assert unused(query) == []
    assert instruments.WINDOW >= 2 * monitor.INTERVAL
