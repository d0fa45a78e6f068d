"""What the bank is told: which banks it plays, their keys, and where to report to."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.common import config


@dataclass(frozen=True)
class Provider:
    """A bank that is played. slug: its part of the path. keys: the first signs, all verify."""

    code: str
    name: str
    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def slug(self) -> str:
        return self.code.lower()


@dataclass(frozen=True)
class Config:
    """Everything that can be set; docs/bank.md says how. Times are in seconds.

    webhook_url: with `{provider}` where the code of the bank goes. opening_balance: in units of
    the currency, of each payer's account.
    """

    providers: Mapping[str, Provider]
    webhook_url: str
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 3003
    slow_seconds: float = 5
    reorder_seconds: float = 5
    payout_seconds: float = 1
    give_up_seconds: float = 86_400
    opening_balance: int = 100_000

    @classmethod
    def load(cls) -> "Config":
        """From the environment and `.env`. Raises ConfigError naming what is missing or wrong."""
        return cls.read(config.variables())

    @classmethod
    def read(cls, variables: Mapping[str, str | None]) -> "Config":
        """From variables, those set to nothing left out. Raises ConfigError."""
        given = config.given(variables, needed=("BANK_PROVIDERS", "BANK_WEBHOOK_URL"))
        try:
            return cls(
                providers=_providers(given["BANK_PROVIDERS"]),
                webhook_url=given["BANK_WEBHOOK_URL"],
                data_dir=Path(given.get("DATA_DIR", ".data")),
                host=given.get("BANK_HOST", cls.host),
                port=int(given.get("BANK_PORT", cls.port)),
                slow_seconds=float(given.get("BANK_SLOW_SECONDS", cls.slow_seconds)),
                reorder_seconds=float(given.get("BANK_REORDER_SECONDS", cls.reorder_seconds)),
                payout_seconds=float(given.get("BANK_PAYOUT_SECONDS", cls.payout_seconds)),
                give_up_seconds=float(given.get("BANK_GIVE_UP_SECONDS", cls.give_up_seconds)),
                opening_balance=int(given.get("BANK_OPENING_BALANCE", cls.opening_balance)),
            )
        except ValueError as error:
            raise config.ConfigError(f"Bad configuration: {error}.") from None

    @property
    def codes(self) -> str:
        """Those of all banks, as a JSON list."""
        return json.dumps([provider.code for provider in self.providers.values()])

    def webhook_address(self, provider: Provider) -> str:
        """Where this bank reports to."""
        return self.webhook_url.replace("{provider}", provider.code)


def _providers(text: str) -> dict[str, Provider]:
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
        # The text holds keys, so nothing of it is repeated.
        raise ValueError(
            'BANK_PROVIDERS must be a JSON list of {"code", "name", "keys"} with keys as whsec_…'
        ) from None
    return {provider.slug: provider for provider in providers}
