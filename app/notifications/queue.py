"""Measures the messages that are to be sent."""

from collections.abc import Callable, Mapping
from typing import Final

from app.common import clock
from app.common.db import reading
from app.notifications import client, repository


def _messages() -> Mapping[str, float]:
    with reading() as session:
        return {row.channel: row.messages for row in repository.list_backlog(session)}


def _delay() -> Mapping[str, float]:
    now = clock.now()
    with reading() as session:
        return {
            row.channel: max((now - row.due_at).total_seconds(), 0.0)
            for row in repository.list_backlog(session)
        }


def _circuit() -> Mapping[str, float]:
    return {client.CIRCUIT: 1.0 if client.get_status() == "away" else 0.0}


#: By name: a description, a label, and what measures the value of each label.
GAUGES: Final[dict[str, tuple[str, str, Callable[[], Mapping[str, float]]]]] = {
    "payment_flow_messages_to_send": (
        "Mails and text messages that are to be sent",
        "channel",
        _messages,
    ),
    "payment_flow_messages_delay_seconds": (
        "For how long the first message to be sent has been due",
        "channel",
        _delay,
    ),
    "payment_flow_circuit_open": (
        "1 while a service is not called, because its recent calls failed",
        "service",
        _circuit,
    ),
}
