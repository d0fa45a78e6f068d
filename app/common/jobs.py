"""Background jobs as Redis holds them: the name of an allowed function, and arguments as JSON.

RQ writes jobs with pickle and imports whatever name it reads, so who can write to Redis could run
any code in the worker. Here data stays data, and only functions that `allowed` names are called.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from rq.job import Job
from rq.utils import as_text

from app.common.process_state import Slot

#: The functions that a worker may call, by the name in the job.
allowed: Final[Slot[Mapping[str, Callable[..., object]]]] = Slot("allowed jobs", default={})

#: What is read of a job. RQ would also call what callbacks name, and send webhooks.
_READ: Final = {
    "created_at",
    "data",
    "description",
    "ended_at",
    "enqueued_at",
    "exc_info",
    "failure_ttl",
    "last_heartbeat",
    "meta",
    "origin",
    "result_ttl",
    "started_at",
    "status",
    "timeout",
    "ttl",
    "worker_name",
}
_UUID: Final = "$uuid"
#: The key of the trace in the metadata of a job.
TRACEPARENT: Final = "traceparent"


class JobNotAllowed(Exception):
    """A job names a function that is no job, or an object to call it on."""


def name_of(function: Callable[..., object]) -> str:
    """The name of a function in a job."""
    return f"{function.__module__}.{function.__qualname__}"


class JsonSerializer:
    """Writes arguments and results as JSON, with IDs."""

    @staticmethod
    def dumps(value: object) -> bytes:
        """Raises TypeError for anything but JSON and UUIDs."""
        return json.dumps(value, default=_tag).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        """Raises ValueError for anything else, such as a pickle."""
        return json.loads(data, object_hook=_untag)


def _tag(value: object) -> dict[str, str]:
    if not isinstance(value, UUID):
        raise TypeError(f"{type(value).__name__} cannot be an argument of a job")
    return {_UUID: str(value)}


def _untag(value: dict[str, Any]) -> Any:
    return UUID(value[_UUID]) if value.keys() == {_UUID} else value


class AllowedJob(Job):
    """A job that calls an allowed function, and nothing else that Redis says."""

    @property
    def func(self) -> Callable[..., object]:
        """Raises JobNotAllowed."""
        function = allowed().get(self.func_name or "")
        if function is None or self.instance is not None:
            raise JobNotAllowed(self.func_name)
        return function

    @property
    def traceparent(self) -> str | None:
        """Of the request that enqueued it, if that is traced."""
        meta: object = self.meta
        value = meta.get(TRACEPARENT) if isinstance(meta, dict) else None
        return value if isinstance(value, str) else None

    def restore(self, raw_data: Mapping[Any, Any]) -> None:
        super().restore({key: value for key, value in raw_data.items() if as_text(key) in _READ})
