"""Configuration of the mail catcher."""

from dataclasses import dataclass
from typing import ClassVar

from sandbox.common.config import SimulatorConfig


@dataclass(frozen=True, kw_only=True)
class Config(SimulatorConfig):
    """The settings of docs/notifications.md.

    smtp_port: where mails are received, 0 for any free one; max_mails: how many are kept.
    """

    PREFIX: ClassVar[str] = "MAIL"

    # It sends no webhooks.
    webhook_url: str = ""
    port: int = 3005
    smtp_port: int = 3025
    max_mails: int = 5_000
