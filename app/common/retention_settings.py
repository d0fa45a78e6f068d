"""The settings of how long rows are kept."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta

from app.common.declared_settings import DeclaredSettings
from app.common.env_fields import Duration, setting


@dataclass(frozen=True)
class RetentionSettings(DeclaredSettings):
    """The settings of the retention, except those of what other settings are about, too."""

    retention_responses: timedelta = setting(
        Duration(),
        "7d",
        "How long the response to a request with an `Idempotency-Key` can be repeated.",
        section="Retention",
    )
    retention_idempotency_keys: timedelta = setting(
        Duration(),
        "30d",
        "How long the key of a successful request, without its response, cannot be used for another"
        " request. Keys of movements of money stay with the movement forever.",
    )
    retention_events: timedelta = setting(
        Duration(),
        "30d",
        "How long events stay in the outbox, at least until every sink has received them. `verify`"
        " checks the events of records that are not older.",
    )
    retention_refresh_tokens: timedelta = setting(
        Duration(),
        "30d",
        "How long refresh tokens are kept, at least `JWT_REFRESH_EXPIRATION`. The second use of a"
        " token is recognized for as long.",
    )
    retention_sessions: timedelta = setting(
        Duration(), "90d", "How long sessions are kept after they expired."
    )
    retention_webhook_deliveries: timedelta = setting(
        Duration(),
        "30d",
        "How long webhook deliveries that have ended are kept, and can be replayed.",
    )
    retention_inbound_events: timedelta = setting(
        Duration(),
        "730d",
        "How long events of banks and the gateway are kept; those of settled on-ramps, forever.",
    )
    retention_audit: timedelta = setting(
        Duration(),
        "1825d",
        "How long records of the audit log are kept, at least 365d; those that `verify` compares"
        " with the books, forever.",
    )
