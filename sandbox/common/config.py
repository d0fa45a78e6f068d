"""Configuration from environment variables and `.env`."""

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from dotenv import dotenv_values

C = TypeVar("C", bound="SimulatorConfig")


class ConfigError(Exception):
    """The configuration is incomplete or invalid; the message is one sentence."""


def load_env() -> dict[str, str | None]:
    """The variables of the environment and of `.env`; the environment wins."""
    return {**dotenv_values(".env"), **os.environ}


def secret_field(variable: str, parse: Callable[[str], Any] = str) -> Any:
    """A required field that is read from this variable. parse: raises ValueError."""
    return field(repr=False, metadata={"variable": variable, "parse": parse})


@dataclass(frozen=True, kw_only=True)
class SimulatorConfig:
    """Settings that every simulator has. Durations are in seconds.

    Unless it says otherwise, a field is read from the variable `<PREFIX>_<FIELD>` and has the type
    of its default.
    """

    PREFIX: ClassVar[str]

    webhook_url: str
    data_dir: Path = field(default=Path(".data"), metadata={"variable": "DATA_DIR", "parse": Path})
    host: str = "127.0.0.1"
    port: int = 0
    slow_seconds: float = 5.0
    reorder_seconds: float = 5.0
    give_up_seconds: float = 86_400.0

    @classmethod
    def from_env(cls: type[C], env: Mapping[str, str | None]) -> C:
        """Parse variables; empty ones count as unset. Raises ConfigError."""
        values = {name: value for name, value in env.items() if value}
        variables = {each: cls._variable(each) for each in fields(cls)}
        missing = [
            name
            for each, name in variables.items()
            if each.default is MISSING and name not in values
        ]
        if missing:
            names = " and ".join(missing)
            raise ConfigError(f"{names} must be set; `./flow up` sets everything that is required.")
        return cls(
            **{
                each.name: _parse(each, name, values[name])
                for each, name in variables.items()
                if name in values
            }
        )

    @classmethod
    def _variable(cls, each: "Field[Any]") -> str:
        variable: str = each.metadata.get("variable", f"{cls.PREFIX}_{each.name.upper()}")
        return variable


def _parse(each: "Field[Any]", variable: str, text: str) -> Any:
    default_type = str if each.default is MISSING else type(each.default)
    parse = each.metadata.get("parse", default_type)
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"Invalid {variable}: {error}.") from None
