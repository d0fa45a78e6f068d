"""What the relay reports to those who watch the system."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from app.common import clock, db
from app.common.metrics import Gauge
from app.events.relay import repository
from app.events.relay.repository import SinkState
from app.health.service import Report

#: An event that waits for so long means that the relay does not run, or is too slow.
_LATE_AFTER: Final = timedelta(minutes=5)


def report() -> Report:
    """The state of all sinks: `ok`, `behind` or `parked`, and a gauge for each of the latter.

    behind: a sink cannot be reached, or an event has not been delivered for five minutes. parked:
    an event waits for an administrator.
    """
    now = clock.now()
    with db.current().health() as session:
        states = repository.list_states(session)
    return Report(
        status=_status(states),
        gauges=(
            Gauge(
                "payment_flow_events_parked",
                "Events that were given up until an administrator retries or skips them",
                "sink",
                {state.name: state.parked for state in states},
            ),
            Gauge(
                "payment_flow_events_behind",
                "Events that are still to be delivered for the first time, at most",
                "sink",
                {state.name: state.behind for state in states},
            ),
            Gauge(
                "payment_flow_events_delay_seconds",
                "For how long the first event to be delivered to a sink has been waiting",
                "sink",
                {state.name: clock.seconds_since(state.waiting_since, now=now) for state in states},
            ),
        ),
    )


def _status(states: Iterable[SinkState]) -> str:
    if any(_is_behind(state) for state in states):
        return "behind"
    return "parked" if any(state.parked for state in states) else "ok"


def _is_behind(state: SinkState) -> bool:
    is_late = state.waiting_since is not None and state.waiting_since < clock.now() - _LATE_AFTER
    return is_late or state.problem is not None
