"""Configuration of the gateway: its keys, and where to send webhooks."""

from dataclasses import dataclass
from typing import ClassVar

from sandbox.common.config import SimulatorConfig, secret_field


def _parse_first_secret(text: str) -> str:
    return text.split(",")[0].strip()


@dataclass(frozen=True, kw_only=True)
class Config(SimulatorConfig):
    """The settings of docs/gateway.md.

    secret_key: authenticates the merchant. webhook_secret: signs webhooks. min_checkout_seconds:
    minimum time to expiry of a session, half an hour at Stripe.
    """

    PREFIX: ClassVar[str] = "GATEWAY"

    secret_key: str = secret_field("STRIPE_SECRET_KEY")
    webhook_secret: str = secret_field("STRIPE_WEBHOOK_SECRETS", _parse_first_secret)
    port: int = 3004
    min_checkout_seconds: float = 1800.0
    refund_seconds: float = 2.0
    answer_seconds: float = 30.0
