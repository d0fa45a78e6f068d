"""The settings of what operators and merchants see of the running system."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta

from app.common.env_fields import Duration, setting
from app.common.notification_settings import NotificationSettings


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
