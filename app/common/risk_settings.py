"""The settings of risk screening."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

import marshmallow as ma
from marshmallow.validate import Range

from app.common.env_fields import Duration, optional_setting, setting
from app.common.notification_settings import NotificationSettings

_SCORE: Final = ma.fields.Decimal(places=4, validate=Range(Decimal("0.0001"), Decimal(2)))


@dataclass(frozen=True)
class RiskSettings(NotificationSettings):
    """The settings of the screening of payments."""

    risk_review_above: Decimal = setting(
        ma.fields.Decimal(validate=Range(0)),
        "5000",
        "Amount, in units of the currency, above which the rule `large-amount` holds a payment for"
        " review.",
        section="Risk screening",
    )
    risk_review_score: Decimal = setting(
        _SCORE,
        "0.8",
        "Score from which a payment is held for review, 0.0001 to 1; above 1 for never.",
    )
    risk_decline_score: Decimal = setting(
        _SCORE, "0.95", "Score from which a payment is declined, 0.0001 to 1; above 1 for never."
    )
    risk_review_ttl: timedelta = setting(
        Duration(), "3d", "How long a payment waits for its review before it is rejected."
    )
    risk_four_eyes: bool = setting(
        ma.fields.Boolean(),
        "false",
        "Whether a rule becomes active only when a second administrator confirms it.",
    )
    risk_country_header: str | None = optional_setting(
        ma.fields.String(),
        "Header in which a trusted proxy sends the country of the client's address, such as"
        " `CF-IPCountry`. Only with `TRUSTED_PROXIES`.",
        unset="rules do not know countries",
    )
    retention_risk: timedelta = setting(
        Duration(),
        "400d",
        "How long the decisions of risk screening are kept, at least 31 days; those that led to a"
        " review, forever.",
    )
