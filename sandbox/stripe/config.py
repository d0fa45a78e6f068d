"""What the gateway is told: its keys, and where to report to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.common import config


@dataclass(frozen=True)
class Config:
    """Everything that can be set; docs/gateway.md says how. Times are in seconds.

    secret_key: who shows it is the merchant; webhook_secret: signs what the merchant is told;
    shortest_seconds: least life of a checkout, at Stripe half an hour.
    """

    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    webhook_url: str
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 3004
    shortest_seconds: float = 1800
    slow_seconds: float = 5
    reorder_seconds: float = 5
    refund_seconds: float = 2
    answer_seconds: float = 30
    give_up_seconds: float = 86_400

    @classmethod
    def load(cls) -> "Config":
        """From the environment and `.env`. Raises ConfigError naming what is missing or wrong."""
        return cls.read(config.variables())

    @classmethod
    def read(cls, variables: Mapping[str, str | None]) -> "Config":
        """From variables, those set to nothing left out. Raises ConfigError."""
        given = config.given(
            variables,
            needed=("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "GATEWAY_WEBHOOK_URL"),
        )

        def seconds(name: str, default: float) -> float:
            return float(given.get(f"GATEWAY_{name}_SECONDS", default))

        try:
            return cls(
                secret_key=given["STRIPE_SECRET_KEY"],
                webhook_secret=given["STRIPE_WEBHOOK_SECRETS"].split(",")[0].strip(),
                webhook_url=given["GATEWAY_WEBHOOK_URL"],
                data_dir=Path(given.get("DATA_DIR", ".data")),
                host=given.get("GATEWAY_HOST", cls.host),
                port=int(given.get("GATEWAY_PORT", cls.port)),
                shortest_seconds=seconds("SHORTEST", cls.shortest_seconds),
                slow_seconds=seconds("SLOW", cls.slow_seconds),
                reorder_seconds=seconds("REORDER", cls.reorder_seconds),
                refund_seconds=seconds("REFUND", cls.refund_seconds),
                answer_seconds=seconds("ANSWER", cls.answer_seconds),
                give_up_seconds=seconds("GIVE_UP", cls.give_up_seconds),
            )
        except ValueError as error:
            raise config.ConfigError(f"Bad configuration: {error}.") from None
