"""The simulators of banks and Stripe that `up` starts, and their configuration."""

from dataclasses import dataclass
from typing import Final

from app.banks import providers
from app.common.settings import Settings
from app.gateway import provider_config

#: Their listening address, regardless of HOST, because our URLs of them contain it.
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Simulator:
    """A simulator. module: what to run; setting: the setting of its port; webhooks: path of its
    webhooks below the API's URL."""

    name: str
    module: str
    setting: str
    port: int
    webhooks: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def needed(settings: Settings) -> list[Simulator]:
    """The simulators of the providers that are not configured."""
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
    """Environment variables for the simulators and the application, so that their secrets match.

    settings: with the data folder of this instance; api: URL of our API.
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
        # 30 minutes as with Stripe, unless a shorter checkout is configured.
        env["GATEWAY_MIN_CHECKOUT_SECONDS"] = str(60 * min(settings.checkout_minutes, 30))
    return env
