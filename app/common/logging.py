"""Structured logs: one JSON object per line, with the request id, without secrets."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from functools import cache
from typing import Any

import orjson
import structlog

_SECRET_NAME = re.compile(r"password|token|secret|signature|authorization|cookie|api_?key", re.I)
_SECRET_VALUE = re.compile(
    r"(Bearer\s+|eyJ[\w-]+\.|\$2[aby]\$|pf_(?:live|test)_|\b(?:[sr]k_(?:live|test)|whsec)_)[\w.~+/=$-]+"
    r"|(://[^:/@\s]*:)[^@\s]+(?=@)"
)
#: Detail of a PostgreSQL error with the values of the rejected row.
_ROW_VALUES = re.compile(r"^(.*DETAIL:).*$", re.M)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact every value whose name or format marks it as a secret."""
    for name, value in event.items():
        if _is_secret_name(name):
            event[name] = "[redacted]"
        elif isinstance(value, str):
            known = _SECRET_VALUE.sub(lambda m: f"{m[1] or m[2]}[redacted]", value)
            event[name] = _ROW_VALUES.sub(r"\1 [redacted]", known)
    return event


@cache  # names are written in the code, so there are few
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _as_json(event: MutableMapping[str, Any], **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # an integer of more than 64 bits, or half of a surrogate pair
        return json.dumps(event, default=repr, skipkeys=True)


def _cannot_fail(logger: type[Any]) -> type[Any]:
    """The same class of loggers, whose errors never reach the code that logs.

    The disk may be full or the reader of a pipe gone. What is logged has happened all the same,
    and may have been committed.
    """

    class Safe(logger):  # type: ignore[misc]
        def _proxy_to_logger(self, *args: Any, **values: Any) -> Any:
            with suppress(Exception):
                return super()._proxy_to_logger(*args, **values)

    return Safe


def configure(level: str) -> None:
    """Send everything – ours and the libraries' – through one pipeline to standard output."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, redact, structlog.processors.JSONRenderer(_as_json)],
        wrapper_class=_cannot_fail(structlog.make_filtering_bound_logger(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False  # it would print a traceback where the log could not be written
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(_as_json),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
