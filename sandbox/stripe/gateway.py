"""The gateway that handles the current request."""

from typing import cast

from sandbox.common.simulator import Simulator, current_simulator
from sandbox.stripe.config import Config

Gateway = Simulator[Config]


def current_gateway() -> Gateway:
    return cast(Gateway, current_simulator())
