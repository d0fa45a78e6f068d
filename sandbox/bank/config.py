"""Configuration of the bank: the simulated banks, their keys, and where to send webhooks."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.common.config import SimulatorConfig, secret_field


@dataclass(frozen=True)
class Provider:
    """A simulated bank. keys: the first one signs, all of them verify."""

    code: str
    name: str
    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def slug(self) -> str:
        """The bank's segment of the URL path."""
        return self.code.lower()


def _parse_providers(text: str) -> dict[str, Provider]:
    try:
        providers = [
            Provider(
                bank["code"],
                bank["name"],
                tuple(base64.b64decode(key.removeprefix("whsec_")) for key in bank["keys"]),
            )
            for bank in json.loads(text)
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        # The text contains keys, so the message must not repeat it.
        raise ValueError(
            'must be a JSON list of {"code", "name", "keys"} with keys as whsec_…'
        ) from None
    return {provider.slug: provider for provider in providers}


@dataclass(frozen=True, kw_only=True)
class Config(SimulatorConfig):
    """The settings of docs/bank.md.

    providers: by slug. webhook_url: with `{provider}` in place of the bank's code.
    opening_balance: of each payer's account, in units of the currency.
    """

    PREFIX: ClassVar[str] = "BANK"

    providers: Mapping[str, Provider] = secret_field("BANK_PROVIDERS", _parse_providers)
    port: int = 3003
    payout_seconds: float = 1.0
    opening_balance: int = 100_000

    @property
    def codes(self) -> str:
        """The codes of all banks as a JSON list, for SQL."""
        return json.dumps([provider.code for provider in self.providers.values()])

    def webhook_url_of(self, provider: Provider) -> str:
        return self.webhook_url.replace("{provider}", provider.code)
