"""The configuration of the payment gateway: Stripe or its simulator."""

import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from app.common.env_fields import CommaSeparated
from app.common.production import is_patterned
from app.common.settings import InvalidValues, Settings, SettingsError

#: Value of STRIPE_SECRET_KEY that disables card payments, those of the simulator too.
OFF: Final = "off"

_STRIPE_URL: Final = Settings.stripe_api_base
#: Minimum lifetime of a checkout at Stripe (expires_at of a Checkout Session).
_STRIPE_MIN_MINUTES: Final = 30
_KEY: Final = re.compile(r"(sk|rk)_(test|live)_[!-~]{8,}")
_WEBHOOK_SECRET: Final = re.compile(r"whsec_[!-~]{16,}")


@dataclass(frozen=True)
class GatewayConfig:
    """The address of the gateway, and the secrets we share with it.

    secret_key: authenticates our requests; webhook_secrets: any of them may have signed an inbound
    event, so that they can be rotated without downtime.
    """

    url: str
    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)

    @property
    def is_live(self) -> bool:
        """Whether real money moves."""
        return self.secret_key.startswith(("sk_live_", "rk_live_"))


def from_settings(settings: Settings) -> GatewayConfig | None:
    """Stripe if it is configured, else the simulator; None if disabled, or unset in production.

    The keys of the simulator are derived from a secret in the data folder. Raises SettingsError.
    """
    stripe = _stripe(settings)
    if not uses_simulator(settings):
        return stripe
    secret = settings.development_secret("gateway-secret").encode()
    key, signing = (hmac.digest(secret, of, "sha256").hex() for of in (b"key", b"webhooks"))
    url = f"http://127.0.0.1:{settings.gateway_port}"
    return GatewayConfig(url, f"sk_test_{key}", (f"whsec_{signing}",))


def uses_simulator(settings: Settings) -> bool:
    """Whether the simulator is used instead of Stripe."""
    return settings.stripe_secret_key is None and not settings.is_production


def require_valid(settings: Settings) -> None:
    """Raises SettingsError if the settings of the gateway are invalid."""
    _stripe(settings)


def _stripe(settings: Settings) -> GatewayConfig | None:
    key = None if settings.stripe_secret_key == OFF else settings.stripe_secret_key
    webhook_secrets = CommaSeparated().deserialize(settings.stripe_webhook_secrets or "")
    _require_well_formed(settings, key, webhook_secrets)
    if (key is None) is not (settings.stripe_webhook_secrets is None):
        raise SettingsError("STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS go together.")
    if settings.is_production and not settings.stripe_api_base.startswith("https:"):
        raise SettingsError("STRIPE_API_BASE must begin with https in production.")
    if key is None:
        return None
    config = GatewayConfig(settings.stripe_api_base, key, webhook_secrets)
    if settings.is_production and not config.is_live:
        raise SettingsError(
            "STRIPE_SECRET_KEY must be a live key in production: test cards buy real goods."
        )
    unprefixed = [secret.removeprefix("whsec_") for secret in webhook_secrets]
    if settings.is_production and any(map(is_patterned, unprefixed)):
        raise SettingsError("STRIPE_WEBHOOK_SECRETS must be random in production.")
    if config.url == _STRIPE_URL and settings.checkout_minutes < _STRIPE_MIN_MINUTES:
        raise SettingsError(
            f"CHECKOUT_MINUTES must be {_STRIPE_MIN_MINUTES} or more: Stripe allows no less."
        )
    return config


def _require_well_formed(
    settings: Settings, key: str | None, webhook_secrets: tuple[str, ...]
) -> None:
    problems: dict[str, str] = {}
    if key is not None and not _KEY.fullmatch(key):
        problems |= {"STRIPE_SECRET_KEY": "must be a secret key (sk_… or rk_…), or off"}
    well_formed = webhook_secrets and all(map(_WEBHOOK_SECRET.fullmatch, webhook_secrets))
    if settings.stripe_webhook_secrets is not None and not well_formed:
        problems["STRIPE_WEBHOOK_SECRETS"] = (
            "must be signing secrets (whsec_…), separated by commas"
        )
    if problems:
        raise InvalidValues(problems)
