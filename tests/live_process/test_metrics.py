"""The metrics of the live process."""

import pytest

from app.common.settings import Settings
from tests import factories, servers
from tests.insights.helpers import purchase
from tests.live import Api, wait_until
from tests.live_process.helpers import LiveProcess, next_transaction, relay
from tests.metrics import TOKEN
from tests.ports import unused_port


@pytest.mark.usefixtures("live_database")
def test_it_counts_its_streams(settings: Settings, live_database: servers.TestDatabase) -> None:
    port = unused_port()
    variables = {"METRICS_TOKEN": TOKEN, "LIVE_METRICS_PORT": str(port)}
    metrics = Api(f"http://127.0.0.1:{port}")
    with LiveProcess.start(settings, live_database, **variables) as live:
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
