"""Configuration of the traffic simulator."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.common.config import ConfigError, SimulatorConfig


@dataclass(frozen=True, kw_only=True)
class Config(SimulatorConfig):
    """The settings of docs/live.md.

    api_url: URL of the API; currency: of the shop; buyers: people who pay, None: as many as the
    rate needs; seed: of everything random, None: another one each time.
    """

    PREFIX: ClassVar[str] = "TRAFFIC"

    # It sends no webhooks.
    webhook_url: str = ""
    port: int = 3007
    api_url: str
    currency: str = field(default="USD", metadata={"variable": "DEFAULT_CURRENCY", "parse": str})
    app_env: str = field(default="development", metadata={"variable": "APP_ENV", "parse": str})

    @classmethod
    def require_allowed(cls, env: Mapping[str, str | None]) -> "Config":
        """The configuration. Raises ConfigError, and in production always."""
        config = cls.from_env(env)
        if config.app_env == "production":
            raise ConfigError("traffic is never simulated in production.")
        return dataclasses.replace(config, api_url=config.api_url.rstrip("/"))
