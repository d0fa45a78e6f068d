"""What those who watch the system are told of webhooks."""

from datetime import timedelta
from typing import Final

from app.common import clock, db
from app.common.metrics import Gauge
from app.health.service import Report
from app.webhooks import repository

#: A delivery that is due for so long means that nobody delivers, or too slowly: endpoints that do
#: not answer are paused and have no due deliveries.
_LATE_AFTER: Final = timedelta(minutes=5)


def report() -> Report:
    """`ok`, or `behind` while a delivery has been due for five minutes; how many are waiting, and
    how many endpoints do not answer."""
    now = clock.now()
    with db.current().health() as session:
        backlog = repository.get_backlog(session, now=now)
    is_late = backlog.due_since is not None and backlog.due_since < now - _LATE_AFTER
    return Report(
        "behind" if is_late else "ok",
        (
            Gauge(
                "payment_flow_webhook_deliveries",
                "Webhook deliveries that are to be attempted, at most 10,000",
                "status",
                {"waiting": backlog.waiting},
            ),
            Gauge(
                "payment_flow_webhook_delay_seconds",
                "For how long the first webhook delivery has been due to an endpoint that is not"
                " paused",
                "status",
                {"waiting": clock.seconds_since(backlog.due_since, now=now)},
            ),
            Gauge(
                "payment_flow_webhook_endpoints",
                "Enabled webhook endpoints, by whether their last attempt failed",
                "state",
                {"answering": backlog.answering, "failing": backlog.failing},
            ),
        ),
    )
