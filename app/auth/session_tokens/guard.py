"""The refresh token in a cookie, for pages of this server, whose scripts must not see it."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import Response, after_this_request, request

from app.auth.errors import ForeignOrigin
from app.common import clock
from app.common.http import Blueprint, settings

View = TypeVar("View", bound=Callable[..., Any])

_HEADER: Final = "X-Refresh-Cookie"
_NAME: Final = "payment_flow_refresh"
#: The endpoint that takes the cookie, below the one for other clients.
PATH: Final = "/refresh/cookie"

_PARAMETER: Final = {
    "name": _HEADER,
    "description": "`true` for pages of this server: the refresh token is in a cookie that their"
    " scripts cannot read (`HttpOnly`, `Secure` over HTTPS, `SameSite=Strict`, for"
    f" `POST /auth{PATH}` only), and not in the body. Requires an `Origin` of this server.",
    "schema": {"type": "string"},
}


def takes_refresh_cookie_header(blueprint: Blueprint) -> Callable[[View], View]:
    """Let the endpoint send its refresh token as a cookie, if the client asks for it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **values: Any) -> Any:
            if is_requested():
                require_own_origin()
            return view(*args, **values)

        documented = blueprint.takes_header(_PARAMETER)(cast("View", checked))
        return blueprint.errors(ForeignOrigin)(documented)

    return decorate


def is_requested() -> bool:
    """Whether the client wants the cookie."""
    return request.headers.get(_HEADER, "").strip().lower() == "true"


def require_own_origin() -> None:
    """Raises ForeignOrigin unless a page of this server sends the request.

    Browsers send the header with every POST, and pages cannot change it (RFC 6454, 7).
    """
    own = {_origin(request.host_url), _origin(settings().public_address)}
    if request.headers.get("Origin") not in own:
        raise ForeignOrigin


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def given_token() -> str | None:
    """The refresh token in the request's cookie."""
    return request.cookies.get(_NAME)


def send(token: str, *, expires_at: datetime) -> None:
    """Set the cookie in the response."""
    seconds = max(0, int((expires_at - clock.now()).total_seconds()))
    _set(token, max_age=seconds)


def delete() -> None:
    """Delete the cookie in the browser."""
    _set("", max_age=0)


def _set(value: str, *, max_age: int) -> None:
    def add_cookie(response: Response) -> Response:
        response.set_cookie(
            _NAME,
            value,
            max_age=max_age,
            path=f"{settings().api_prefix}/auth{PATH}",
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    after_this_request(add_cookie)
