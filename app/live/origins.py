"""Which web pages may use the live process (CORS), which also decides who may open a WebSocket:
browsers do not restrict those themselves."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from app.common.errors import Forbidden
from app.common.settings import Settings

_LOCAL: Final = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Last-Event-ID"),
    (b"access-control-max-age", b"600"),
)


class Origins:
    """Those of CORS_ORIGINS, our own, and outside production all ports of this machine."""

    def __init__(self, settings: Settings) -> None:
        address = urlsplit(settings.public_address)
        self._allowed = {*settings.cors_origins, f"{address.scheme}://{address.netloc}"}
        self._allows_local = not settings.is_production

    def are_allowed(self, origin: str) -> bool:
        if {origin, "*"} & self._allowed:
            return True
        return self._allows_local and _LOCAL.fullmatch(origin) is not None

    def require_allowed(self, origin: str | None) -> None:
        """origin: of the page that sends a request; None for a program. Raises Forbidden."""
        if origin is not None and not self.are_allowed(origin):
            raise Forbidden("This origin is not one of CORS_ORIGINS.")

    def headers(self, origin: str | None) -> Sequence[tuple[bytes, bytes]]:
        """The headers of a response."""
        vary = (b"vary", b"Origin")
        if origin is None or not self.are_allowed(origin):
            return [vary]
        return [vary, (b"access-control-allow-origin", origin.encode("latin-1"))]

    def preflight_headers(self, origin: str | None) -> Sequence[tuple[bytes, bytes]]:
        """The headers of the response to a request that asks for permission."""
        allowed = self.headers(origin)
        return [*allowed, *_PREFLIGHT] if len(allowed) > 1 else allowed
