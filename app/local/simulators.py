"""The simulators of banks, Stripe and traffic and the mail catcher that `up` starts, and their
configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.banks import providers
from app.common.settings import Settings
from app.gateway import provider_config

#: Their listening address, regardless of HOST, because our URLs of them contain it.
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Simulator:
    """A simulator. module: what to run; setting: the setting of its port; webhooks: path of its
    webhooks below the API's URL, None if it sends none; others: further ports, by their setting."""

    name: str
    module: str
    setting: str
    port: int
    webhooks: str | None = None
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def ports(self) -> Mapping[str, int]:
        """All ports that it listens on, by their setting."""
        return {self.setting: self.port, **self.others}

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
    mail = Simulator(
        "mail",
        "sandbox.mail",
        "MAIL_PORT",
        settings.mail_port,
        others={"MAIL_SMTP_PORT": settings.mail_smtp_port},
    )
    traffic = Simulator("traffic", "sandbox.traffic", "TRAFFIC_PORT", settings.traffic_port)
    uses = (
        (bank, providers.uses_simulator(settings)),
        (gateway, provider_config.uses_simulator(settings)),
        (mail, uses_mail_catcher(settings)),
        (traffic, not settings.is_production),
    )
    return [simulator for simulator, is_needed in uses if is_needed]


def uses_mail_catcher(settings: Settings) -> bool:
    """Whether mails go to the catcher: unless a server is configured, and never in production."""
    return settings.smtp_url is None and not settings.is_production


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
            **{name: str(port) for name, port in simulator.others.items()},
        }
        if simulator.webhooks is not None:
            env[f"{prefix}WEBHOOK_URL"] = f"{api}/{simulator.webhooks}"
    if not settings.is_production:
        env["TRAFFIC_API_URL"] = api
    if uses_mail_catcher(settings):
        env["SMTP_URL"] = f"smtp://{HOST}:{settings.mail_smtp_port}"
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
