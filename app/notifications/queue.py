"""Reports on the messages that are to be sent."""

from app.common import clock
from app.common.db import reading
from app.common.metrics import Gauge
from app.health import service as health
from app.health.service import Report
from app.notifications import client, repository


def report() -> Report:
    """Whether the mail server answers, and how many messages wait for how long."""
    with reading() as session:
        backlog = repository.list_backlog(session)
    now = clock.now()
    delays = {each.channel: max((now - each.due_at).total_seconds(), 0.0) for each in backlog}
    of_server = health.report_circuit(client.CIRCUIT)
    waiting = Gauge(
        "payment_flow_messages_to_send",
        "Mails and text messages that are to be sent",
        "channel",
        {each.channel: each.messages for each in backlog},
    )
    delay = Gauge(
        "payment_flow_messages_delay_seconds",
        "For how long the first message to be sent has been due",
        "channel",
        delays,
    )
    return Report(of_server.status, (*of_server.gauges, waiting, delay))
