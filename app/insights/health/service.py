"""Whether everything runs, what waits, and when the books were last verified."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.orm import Session

from app.common import clock
from app.common.backup_settings import SLOT
from app.common.db import reading
from app.common.ids import new_id
from app.common.metrics import Gauge
from app.health import service as health
from app.insights.health import repository
from app.insights.health.models import BackupKind, BackupRecord, Verification


class CheckStatus(StrEnum):
    """AHEAD, MISSING: of the schema; PARKED: of events."""

    OK = "OK"
    BEHIND = "BEHIND"
    PARKED = "PARKED"
    AWAY = "AWAY"
    AHEAD = "AHEAD"
    MISSING = "MISSING"
    UNKNOWN = "UNKNOWN"


class BacklogKind(StrEnum):
    """What waits for the relay or for a worker."""

    EVENTS = "EVENTS"
    WEBHOOKS = "WEBHOOKS"
    JOBS = "JOBS"
    MESSAGES = "MESSAGES"


#: The gauges of each kind: how many wait, and for how many seconds the first has been waiting.
_GAUGES: Final = {
    BacklogKind.EVENTS: ("payment_flow_events_behind", "payment_flow_events_delay_seconds"),
    BacklogKind.WEBHOOKS: ("payment_flow_webhook_deliveries", "payment_flow_webhook_delay_seconds"),
    BacklogKind.JOBS: ("payment_flow_jobs_waiting", "payment_flow_jobs_delay_seconds"),
    BacklogKind.MESSAGES: ("payment_flow_messages_to_send", "payment_flow_messages_delay_seconds"),
}
_PARKED: Final = "payment_flow_events_parked"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    status: CheckStatus


@dataclass(frozen=True, slots=True)
class Backlog:
    """name: of the sink, the queue or the channel; delay: seconds of the first that waits; parked:
    events that wait for an administrator."""

    kind: BacklogKind
    name: str
    waiting: int
    delay: float
    parked: int


@dataclass(frozen=True, slots=True)
class SystemHealth:
    """verification, backup: the last recorded ones, None without one; archive: of `repository`."""

    at: datetime
    checks: Sequence[Check]
    backlogs: Sequence[Backlog]
    verification: Verification | None
    backup: BackupRecord | None
    archive: Any

    @property
    def is_well(self) -> bool:
        return all(check.status == CheckStatus.OK for check in self.checks)


def get_health(session: Session) -> SystemHealth:
    """Takes two seconds at most, however ill the system is."""
    return SystemHealth(
        at=clock.now(),
        checks=[
            Check(name, CheckStatus(status.upper())) for name, status in health.check_all().items()
        ],
        backlogs=_backlogs(health.gauges()),
        verification=repository.get_last_run(session),
        backup=repository.get_last_backup(session),
        archive=repository.get_archive(session),
    )


def record_backup(session: Session, *, kind: BackupKind, size: int, started_at: datetime) -> None:
    """Record a backup that has succeeded now. size: bytes."""
    backup = BackupRecord(
        id=new_id(),
        kind=kind.value,
        size=size,
        started_at=started_at,
        finished_at=max(clock.now(), started_at),
    )
    repository.insert_backup(session, backup)


def backup_gauges() -> Sequence[Gauge]:
    """When the last backup was complete, and how much of the log is not archived yet. Neither is
    there before the first backup."""
    with reading() as session:
        last = repository.get_last_backup(session)
        lag = repository.get_archive_lag(session)
    gauges = []
    if last is not None:
        gauges.append(
            Gauge(
                "payment_flow_last_backup_timestamp_seconds",
                "When the last backup was complete, in seconds since 1970",
                "kind",
                {last.kind: last.finished_at.timestamp()},
            )
        )
    if lag is not None:
        gauges.append(
            Gauge(
                "payment_flow_archive_lag_bytes",
                "Bytes of the write-ahead log that are not archived yet",
                "slot",
                {SLOT: lag},
            )
        )
    return gauges


def _backlogs(gauges: Iterable[Gauge]) -> Sequence[Backlog]:
    values: dict[str, Mapping[str, float]] = {gauge.name: gauge.values for gauge in gauges}
    parked = values.get(_PARKED, {})
    return [
        Backlog(
            kind,
            name,
            int(count),
            round(values.get(delay, {}).get(name, 0), 1),
            int(parked.get(name, 0)) if kind == BacklogKind.EVENTS else 0,
        )
        for kind, (waiting, delay) in _GAUGES.items()
        for name, count in values.get(waiting, {}).items()
    ]
