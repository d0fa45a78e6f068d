"""The settings of what operators and merchants see of the running system."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

import marshmallow as ma
from marshmallow.validate import OneOf, Range

from app.common.durations import BOUNDS
from app.common.env_fields import Duration, PublicUrl, optional_setting, setting
from app.common.notification_settings import NotificationSettings

#: Per cent, with up to three decimals.
_PERCENT: Final = ma.fields.Decimal(places=3, validate=Range(50, 100, max_inclusive=False))


@dataclass(frozen=True)
class InsightSettings(NotificationSettings):
    """The settings of the feed of transactions and of service level objectives."""

    retention_feed: timedelta = setting(
        Duration(),
        "30d",
        "How long transactions stay in the feed, and the sums of each minute. The sums of days are"
        " kept.",
        section="Insights",
    )
    slo_availability: Decimal = setting(
        _PERCENT,
        "99.9",
        "Objective: per cent of the requests that are not answered with a status of 500 or more;"
        " 50 or more, and less than 100.",
    )
    slo_latency: Decimal = setting(
        _PERCENT,
        "99",
        "Objective: per cent of the requests that are answered within `SLO_LATENCY_MS`.",
    )
    slo_latency_ms: int = setting(
        ma.fields.Integer(validate=OneOf(BOUNDS)),
        "500",
        f"Milliseconds after which a request counts as slow: {', '.join(map(str, BOUNDS))}.",
    )
    slo_window: timedelta = setting(
        Duration(),
        "30d",
        "Period of the objectives, not longer than `RETENTION_FEED`.",
    )
    readiness_url: str | None = optional_setting(
        PublicUrl(),
        "Address, without `/health/ready`, at which the worker checks every 10 seconds whether"
        " requests can be served.",
        unset="`PUBLIC_URL` or what it defaults to",
    )
