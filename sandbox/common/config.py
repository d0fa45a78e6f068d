"""How a stand-in is told what it needs."""

import os
from collections.abc import Mapping

from dotenv import dotenv_values


class ConfigError(Exception):
    """It cannot be run like this; the message is one sentence."""


def variables() -> dict[str, str | None]:
    """Those of the environment and of `.env`."""
    return {**dotenv_values(".env"), **os.environ}


def given(variables: Mapping[str, str | None], *, needed: tuple[str, ...]) -> dict[str, str]:
    """Those that are not set to nothing. Raises ConfigError naming what is missing."""
    found = {name: value for name, value in variables.items() if value}
    missing = [name for name in needed if name not in found]
    if missing:
        names = " and ".join(missing)
        raise ConfigError(f"{names} must be set; `./flow up` starts it with all that it needs.")
    return found
