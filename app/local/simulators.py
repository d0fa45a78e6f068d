"""The stand-ins for the outside world that `up` starts, and what they are told."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from app.common.settings import Settings

#: Where they listen, whatever HOST is: the addresses that we have of them name that one.
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class StandIn:
    """One of them. module: what is run; setting: names the port; webhooks: the end of the address
    that it reports to."""

    name: str
    module: str
    setting: str
    port: int
    webhooks: str

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"


def played(settings: Settings) -> list[StandIn]:
    """Those that are needed: for whom nobody real is configured."""
    bank = StandIn(
        "bank", "sandbox.bank", "BANK_PORT", settings.bank_port, "onramp/webhooks/{provider}"
    )
    gateway = StandIn(
        "gateway", "sandbox.stripe", "GATEWAY_PORT", settings.gateway_port, "webhooks/stripe"
    )
    needed = ((bank, settings.plays_bank), (gateway, settings.plays_gateway))
    return [each for each, is_played in needed if is_played]


def environment(settings: Settings, *, api: str) -> dict[str, str]:
    """What they and the application must agree on: what one signs is what the other verifies.

    settings: with the data folder that both use; api: where our endpoints hang.
    """
    env: dict[str, str] = {}
    for one in played(settings):
        own = one.setting.removesuffix("PORT")
        env |= {
            f"{own}HOST": HOST,
            f"{own}PORT": str(one.port),
            f"{own}WEBHOOK_URL": f"{api}/{one.webhooks}",
        }
    if settings.plays_bank:
        env["BANK_PROVIDERS"] = json.dumps([asdict(bank) for bank in settings.bank_providers])
    if settings.plays_gateway and (account := settings.gateway):
        env["STRIPE_SECRET_KEY"] = account.secret_key
        env["STRIPE_WEBHOOK_SECRETS"] = ",".join(account.webhook_secrets)
        env["STRIPE_API_BASE"] = account.url
        # Stripe's half an hour, unless whoever tries something out wants less.
        env["GATEWAY_MIN_CHECKOUT_SECONDS"] = str(60 * min(settings.checkout_minutes, 30))
    return env
