"""What those who watch the system are told of messages that are to be sent."""

from app.common import clock
from app.common.db import reading
from app.common.metrics import Gauge
from app.health.service import Report, report_circuit
from app.notifications import client, repository


def report() -> Report:
    """Whether the mail server answers, and how many messages wait for how long."""
    now = clock.now()
    with reading() as session:
        backlog = repository.list_backlog(session)
    circuit = report_circuit(client.CIRCUIT)
    return Report(
        circuit.status,
        (
            *circuit.gauges,
            Gauge(
                "payment_flow_messages_to_send",
                "Mails and text messages that are to be sent",
                "channel",
                {row.channel: row.messages for row in backlog},
            ),
            Gauge(
                "payment_flow_messages_delay_seconds",
                "For how long the first message to be sent has been due",
                "channel",
                {row.channel: clock.seconds_since(row.due_at, now=now) for row in backlog},
            ),
        ),
    )
