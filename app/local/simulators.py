"""The simulators of banks and Stripe that `up` starts, and what they are told."""

from dataclasses import dataclass
from typing import Final

from app.banks import providers
from app.common.settings import Settings
from app.gateway import provider_config

#: Where they listen, whatever HOST is: the URLs that we have of them name that address.
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Simulator:
    """One of them. module: what is run; setting: names the port; webhooks: the end of the URL
    that it reports to."""

    name: str
    module: str
    setting: str
    port: int
    webhooks: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def needed(settings: Settings) -> list[Simulator]:
    """Those of the providers that are not configured."""
    bank = Simulator(
        "bank", "sandbox.bank", "BANK_PORT", settings.bank_port, "onramp/webhooks/{provider}"
    )
    gateway = Simulator(
        "gateway", "sandbox.stripe", "GATEWAY_PORT", settings.gateway_port, "webhooks/stripe"
    )
    uses = (
        (bank, providers.uses_simulator(settings)),
        (gateway, provider_config.uses_simulator(settings)),
    )
    return [simulator for simulator, is_needed in uses if is_needed]


def environment(settings: Settings, *, api: str) -> dict[str, str]:
    """What they and the application must agree on: what one signs is what the other verifies.

    settings: with the data folder that both use; api: URL of our API.
    """
    env: dict[str, str] = {}
    for simulator in needed(settings):
        prefix = simulator.setting.removesuffix("PORT")
        env |= {
            f"{prefix}HOST": HOST,
            f"{prefix}PORT": str(simulator.port),
            f"{prefix}WEBHOOK_URL": f"{api}/{simulator.webhooks}",
        }
    if providers.uses_simulator(settings):
        env["BANK_PROVIDERS"] = providers.to_json(providers.from_settings(settings))
    if provider_config.uses_simulator(settings) and (
        config := provider_config.from_settings(settings)
    ):
        env["STRIPE_SECRET_KEY"] = config.secret_key
        env["STRIPE_WEBHOOK_SECRETS"] = ",".join(config.webhook_secrets)
        env["STRIPE_API_BASE"] = config.url
        # Stripe's half an hour, unless whoever tries something out wants less.
        env["GATEWAY_MIN_CHECKOUT_SECONDS"] = str(60 * min(settings.checkout_minutes, 30))
    return env
