"""What every request needs: the configuration, the store and the back office."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from sandbox.common.store import Store
from sandbox.stripe.config import Config
from sandbox.stripe.office import BackOffice


@dataclass(frozen=True)
class Gateway:
    config: Config
    store: Store
    office: BackOffice


def this_gateway() -> Gateway:
    """The one whose application answers the request."""
    return cast(Gateway, current_app.extensions["gateway"])
