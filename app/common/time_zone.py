"""Time zones of the IANA database, by name."""

from functools import lru_cache
from importlib import resources
from typing import Any, Final

import marshmallow as ma

_EXAMPLE: Final = "Asia/Kolkata"


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The names that are accepted: those of the package `tzdata`, the same on every machine."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text().split())


class TimeZone(ma.fields.String):
    """The IANA name of a time zone."""

    default_error_messages = {  # noqa: RUF012 – marshmallow's protocol
        "zone": "Not the IANA name of a time zone, such as Asia/Kolkata."
    }

    def __init__(self, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        documented = {"description": "IANA name of a time zone", "example": _EXAMPLE}
        super().__init__(metadata=documented | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name: str = super()._deserialize(value, attr, data, **kwargs)
        if name not in zone_names():
            raise self.make_error("zone")
        return name
