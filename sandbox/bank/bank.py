"""The bank that handles the current request."""

from typing import cast

from flask import abort

from sandbox.bank.config import Config, Provider
from sandbox.common.simulator import Simulator, current_simulator


class Bank(Simulator[Config]):
    def require_provider(self, slug: str) -> Provider:
        """The simulated bank with that slug, or 404."""
        provider = self.config.providers.get(slug)
        if provider is None:
            abort(404, "Bank not found.")
        return provider


def current_bank() -> Bank:
    return cast(Bank, current_simulator())
