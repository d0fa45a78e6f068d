"""The settings of notifications."""
# ruff: noqa: RUF009 – setting() returns a field of the dataclass, not a default.

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import marshmallow as ma
from marshmallow.validate import Range

from app.common.env_fields import Duration, MailAddress, SmtpUrl, optional_setting, setting
from app.common.event_settings import EventSettings

_PORT: Final = ma.fields.Integer(validate=Range(1, 65535))


@dataclass(frozen=True)
class NotificationSettings(EventSettings):
    """The settings of mails and other notifications: they follow those of events."""

    smtp_url: str | None = optional_setting(
        SmtpUrl(),
        "Mail server: `smtps://user:password@host:465` with TLS, or `smtp://…:587`, which requires"
        " STARTTLS except on this machine; with `?tls=off` none, which production refuses.",
        unset="none, and no mails are sent; `./flow up` starts a mail catcher",
        section="Notifications",
        secret=True,
    )
    mail_from: str = setting(
        MailAddress(),
        "no-reply@localhost",
        "Address that mails are from. Its domain must be yours.",
    )
    mails_per_second: int = setting(
        ma.fields.Integer(validate=Range(1, 1000)),
        "30",
        "Maximum number of mails that a worker sends in a second.",
    )
    sale_mails_per_hour: int = setting(
        ma.fields.Integer(validate=Range(0)),
        "20",
        "Mails about single sales that a merchant is sent in an hour; further sales are collected"
        " in one mail for each hour.",
    )
    mail_port: int = setting(
        _PORT,
        "3005",
        "Port of the page of the mail catcher that `./flow up` starts when `SMTP_URL` is not set.",
    )
    mail_smtp_port: int = setting(_PORT, "3025", "Port on which the mail catcher receives mails.")
    retention_notifications: timedelta = setting(
        Duration(), "365d", "How long notifications stay in the feed of their user."
    )
    retention_messages: timedelta = setting(
        Duration(), "30d", "How long the records of mails and text messages are kept."
    )
