"""What every request needs: the configuration, the store and the back office."""

from dataclasses import dataclass
from typing import cast

from flask import abort, current_app

from sandbox.bank.backoffice import BackOffice
from sandbox.bank.config import Config, Provider
from sandbox.common.store import Store


@dataclass(frozen=True)
class Bank:
    config: Config
    store: Store
    office: BackOffice

    def require_provider(self, slug: str) -> Provider:
        """The bank of that part of the path; 404 if it is not played here."""
        provider = self.config.providers.get(slug)
        if provider is None:
            abort(404, "There is no such bank here.")
        return provider


def this_bank() -> Bank:
    """The one whose application answers the request."""
    return cast(Bank, current_app.extensions["bank"])
