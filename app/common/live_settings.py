"""The settings of the live process and of the traffic that it shows in development."""

from dataclasses import dataclass
from typing import Final

import marshmallow as ma
from marshmallow.validate import Range, Regexp

from app.common.env_fields import optional_setting, setting
from app.common.insight_settings import InsightSettings

_PORT: Final = ma.fields.Integer(validate=Range(1, 65535))
_COUNT: Final = ma.fields.Integer(validate=Range(1))
_FLAG: Final = ma.fields.Boolean()


@dataclass(frozen=True)
class LiveSettings(InsightSettings):
    """The settings of the live process."""

    live_port: int = setting(
        _PORT, "3001", "Port of the live process, which listens on `HOST`.", section="Live"
    )
    live_public: bool = setting(
        _FLAG,
        "false",
        "Whether everybody may see the transactions of all users in production, without names,"
        " addresses and risk scores. Otherwise it takes the token of an administrator.",
    )
    live_events_path: str | None = optional_setting(
        ma.fields.String(validate=Regexp(r"(/[A-Za-z0-9_-]+)+\Z")),
        "Path of the public address that the reverse proxy leads to `/events` of the live process,"
        " such as `/events`. The console then follows that stream.",
        unset="none: the console asks the API every few seconds",
    )
    live_stream_length: int = setting(
        ma.fields.Integer(validate=Range(100)),
        "10000",
        "About how many transactions the stream in Redis keeps, for clients that reconnect. One"
        " takes about 0.4 kB.",
    )
    live_connections: int = setting(
        _COUNT,
        "4096",
        "Maximum number of open connections of the live process; each takes about 20 kB.",
    )
    live_connections_per_address: int = setting(
        _COUNT,
        "64",
        "The same for the connections of one client address, or IPv6 network (/64). Not applied"
        " with `TRUSTED_PROXIES`.",
    )
    traffic_port: int = setting(
        _PORT,
        "3007",
        "Port of the traffic simulator that `./flow up` starts outside production, on this"
        " machine only.",
    )
