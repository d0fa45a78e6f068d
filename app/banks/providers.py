"""The configured banks by code."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from app.common.outside import BankProvider
from app.common.process_state import Slot


@dataclass(frozen=True, slots=True)
class Provider:
    """A bank. keys: the first signs our requests, all of them verify its webhooks."""

    code: str
    name: str
    url: str
    keys: tuple[bytes, ...] = field(repr=False)


_providers: Final[Slot[dict[str, Provider]]] = Slot("banks", default={})


def configure(banks: Iterable[BankProvider]) -> None:
    """Make these the banks of this process."""
    _providers.configure(
        {
            bank.code: Provider(
                bank.code,
                bank.name,
                bank.url,
                tuple(base64.b64decode(key.removeprefix("whsec_")) for key in bank.keys),
            )
            for bank in banks
        }
    )


def known() -> list[Provider]:
    return list(_providers().values())


def find(code: str) -> Provider | None:
    return _providers().get(code)
