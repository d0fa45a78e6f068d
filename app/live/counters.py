"""What the live process counts for Prometheus."""

from typing import Final

from app.common import metrics

STREAMS: Final = metrics.counter(
    "payment_flow_live_streams_total", "Live streams that were opened, and that have ended", "state"
)
TRANSACTIONS: Final = metrics.counter(
    "payment_flow_live_transactions_total", "Transactions that live streams were sent"
)
