"""The settings of the web server."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from app.common.backup_settings import BackupSettings
from app.common.env_fields import CommaSeparated, Headers, PublicUrl, optional_setting, setting

_FLAG: Final = ma.fields.Boolean()
_COUNT: Final = ma.fields.Integer(validate=Range(1))
_PORT: Final = ma.fields.Integer(validate=Range(1, 65535))

_LOG_LEVELS: Final = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True)
class WebSettings(BackupSettings):
    """All settings: those of the web server follow the others."""

    web_workers: int | None = optional_setting(
        _COUNT,
        "Number of web processes.",
        unset="one per core, at most 4",
        section="Web server",
    )
    web_threads: int = setting(
        _COUNT,
        "64",
        "Maximum number of concurrent requests per web process; further ones wait for a thread.",
    )
    web_connections: int = setting(
        _COUNT,
        "8192",
        "Maximum number of open connections per web process, including idle ones; each takes 2 to"
        " 5 KB. When it is reached, those that have been idle for longest are closed.",
    )
    web_connections_per_address: int = setting(
        _COUNT,
        "1024",
        "The same for the connections of one client address, or IPv6 network (/64). Not applied"
        " with `TRUSTED_PROXIES`.",
    )
    web_request_seconds: int = setting(
        ma.fields.Integer(validate=Range(1, 300)),
        "10",
        "Seconds that a client may take to send the head of a request, and again for a body of up"
        " to 64 KiB.",
    )
    web_min_rate: int = setting(
        ma.fields.Integer(validate=Range(1)),
        "16384",
        "Minimum rate of larger request bodies and of responses in bytes per second, on average"
        " over 10 seconds of waiting for the client.",
    )
    ratelimit_enabled: bool = setting(_FLAG, "true", "Whether requests are rate limited.")
    log_level: str = setting(
        ma.fields.String(validate=OneOf(_LOG_LEVELS)),
        "info",
        f"Minimum log level: {', '.join(_LOG_LEVELS)}.",
    )
    cors_origins: tuple[str, ...] = setting(
        CommaSeparated(),
        "",
        "Origins that may call the API from a browser, separated by commas; `*` allows any.",
    )
    metrics_token: str | None = optional_setting(
        ma.fields.String(validate=Length(16)),
        "Allows clients that send it as a bearer token to read `GET /metrics`; at least 16"
        " characters.",
        unset="none, and the endpoint does not exist",
        secret=True,
    )
    worker_metrics_port: int | None = optional_setting(
        _PORT,
        "Port at which the worker serves `GET /metrics` of its processes. Requires"
        " `METRICS_TOKEN`.",
        unset="none: the worker does not listen",
    )
    live_metrics_port: int | None = optional_setting(
        _PORT,
        "The same for the live process.",
        unset="none: it does not listen there",
    )
    metrics_host: str = setting(
        ma.fields.String(validate=Length(1)),
        "127.0.0.1",
        "Address for `WORKER_METRICS_PORT` and `LIVE_METRICS_PORT`.",
    )
    otel_exporter_otlp_endpoint: str | None = optional_setting(
        PublicUrl(),
        "Address of an OpenTelemetry collector that receives traces (OTLP over HTTP), without"
        " `/v1/traces`.",
        unset="none, and nothing is traced",
    )
    otel_exporter_otlp_headers: tuple[tuple[str, str], ...] = setting(
        Headers(),
        "",
        "Headers of requests to the collector, such as `authorization=Bearer%20…`, separated by"
        " commas.",
        secret=True,
    )
    trace_ratio: Decimal = setting(
        ma.fields.Decimal(validate=Range(0, 1)),
        "0.05",
        "Share of the requests that are traced, 0 to 1.",
    )
