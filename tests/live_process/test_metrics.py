"""The metrics and traces of the live process."""

import pytest

from app.common.settings import Settings
from tests import factories, servers
from tests.collector import Collector
from tests.insights.helpers import purchase
from tests.live import Api, wait_until
from tests.live_process.helpers import LiveProcess, next_transaction, relay
from tests.metrics import TOKEN
from tests.ports import unused_port

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.usefixtures("live_database")
def test_it_counts_its_streams(settings: Settings, live_database: servers.TestDatabase) -> None:
    port = unused_port()
    variables = {"METRICS_TOKEN": TOKEN, "LIVE_METRICS_PORT": str(port)}
    metrics = Api(f"http://127.0.0.1:{port}")
    with (
        Collector.open() as collector,
        LiveProcess.start(
            settings,
            live_database,
            **variables,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            TRACE_RATIO="1",
        ) as live,
    ):
        with live.web_socket() as first, live.web_socket() as second:
            relay(purchase(factories.buyer(), factories.merchant(), amount=100))
            next_transaction(first)
            next_transaction(second)
        assert metrics.call("GET", "/metrics").status == 401

        def lines() -> set[str]:
            return set(metrics.call("GET", "/metrics", token=TOKEN).text.splitlines())

        wait_until(lambda: 'payment_flow_live_streams_total{state="ended"} 2.0' in lines())
        assert 'payment_flow_live_streams_total{state="opened"} 2.0' in lines()
        assert "payment_flow_live_transactions_total 2.0" in lines()

        trace = {"traceparent": f"00-{TRACE_ID}-{1:016x}-01"}
        assert live.call("GET", "/api/transactions?limit=1", headers=trace).status == 200
        assert live.call("GET", "/nothing", headers=trace).status == 404
        wait_until(lambda: len(collector.of_trace(TRACE_ID)) == 2)
        (listed,) = collector.of_trace(TRACE_ID)["GET /api/transactions"]
        assert (listed.process, listed.parent_id) == ("live", f"{1:016x}")
        assert listed.attributes["http.response.status_code"] == 200
        (missing,) = collector.of_trace(TRACE_ID)["GET"]
        assert missing.attributes["http.response.status_code"] == 404
        assert live.call("GET", "/api/stats", headers=trace).status == 200
    # What is not yet sent is sent when the process ends.
    assert "GET /api/stats" in collector.of_trace(TRACE_ID)
