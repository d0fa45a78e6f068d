"""Responses with QR codes of payment links."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Response, request

from app.attempts.budgets import PAYMENT_LINKS
from app.attempts.http import limits_attempts
from app.common import qr
from app.common.http import Blueprint, etag_of

View = TypeVar("View", bound=Callable[..., Any])

SVG: Final = "image/svg+xml"
PNG: Final = "image/png"

_BINARY: Final = {"type": "string", "format": "binary"}
_HEADERS: Final = {
    "ETag": {"description": "Version, for If-None-Match", "schema": {"type": "string"}}
}


def responds_with_image(blueprint: Blueprint, mimetype: str) -> Callable[[View], View]:
    """Document an endpoint that answers with an image."""

    def decorate(view: View) -> View:
        documented = blueprint.response(200, _BINARY, content_type=mimetype, headers=_HEADERS)(view)
        return blueprint.alt_response(  # type: ignore[no-any-return]
            304, description="Not modified since the given ETag", success=True
        )(documented)

    return decorate


def qr_code(link: str, *, mimetype: str, side: int, name: str) -> Response:
    """The link as an image. side: in pixels; name: of the file, if it is saved."""
    draw = qr.svg if mimetype == SVG else qr.png
    return image(draw(link, side=side), mimetype=mimetype, name=name)


def image(picture: bytes, *, mimetype: str, name: str) -> Response:
    """200 with the picture, or 304 when the caller already has it."""
    response = Response(picture, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["ETag"] = etag_of(picture)
    # Cached only by the caller's browser: the link grants access to the request.
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.make_conditional(request)
    return response


def limits_wrong_links(view: View) -> View:
    """Limit requests with the token of no payment request and no merchant code."""
    return limits_attempts(PAYMENT_LINKS, counts=lambda response: response.status_code == 404)(view)
