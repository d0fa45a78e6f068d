"""Layout, security headers and error pages of the simulators, and CSRF protection of forms."""

import hmac
import secrets
import time
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    request,
)
from werkzeug.exceptions import HTTPException

from sandbox.common.modes import Mode
from sandbox.common.money import format_money

_MAX_BODY_BYTES = 65_536
_VISITOR_COOKIE = "sandbox-visitor"
_VISITOR_TTL_SECONDS = 86_400

#: The URL of a payment page authorizes the payer: it must not leak to other sites or caches.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

#: Shared templates, styles and scripts.
_blueprint = Blueprint(
    "sandbox",
    __name__,
    static_folder="static",
    static_url_path="/",
    url_prefix="/sandbox",
    template_folder="templates",
)


def init_app(app: Flask) -> None:
    """Add the shared layout, security headers and error handlers to an application."""
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    app.jinja_env.filters["money"] = format_money
    app.jinja_env.globals["now"] = time.time
    app.register_blueprint(_blueprint)
    app.register_error_handler(HTTPException, _handle_http_error)
    app.after_request(_add_security_headers)


def _handle_http_error(error: HTTPException) -> Response:
    """An HTML page for browsers, JSON for other clients."""
    text = error.description or ""
    if "text/html" in request.accept_mimetypes.values():
        html = render_template("error.html", title=error.name, text=text)
        response = current_app.make_response(html)
    else:
        response = jsonify(error=error.name.upper().replace(" ", "_"), message=text)
    response.status_code = error.code or 500
    return response


def _add_security_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def render_page(template: str, **values: Any) -> Response:
    """Render a page, and identify the visitor by a cookie for the CSRF token of its form."""
    response = make_response(render_template(template, **values))
    # Lax: the merchant's link brings the cookie along, a form of another site does not.
    response.set_cookie(
        _VISITOR_COOKIE,
        _visitor_id(),
        max_age=_VISITOR_TTL_SECONDS,
        httponly=True,
        samesite="Lax",
    )
    return response


def _visitor_id() -> str:
    """The id in the visitor's cookie, or a new one."""
    if "visitor_id" not in g:
        g.visitor_id = request.cookies.get(_VISITOR_COOKIE) or secrets.token_urlsafe(24)
    return str(g.visitor_id)


def csrf_token(key: bytes, purpose: str) -> str:
    """The token that proves that this visitor loaded a form for this purpose from us."""
    message = f"{_visitor_id()} {purpose}".encode()
    return hmac.new(key, message, "sha256").hexdigest()


def require_csrf_token(key: bytes, purpose: str) -> None:
    """Refuse a form without that token with 403."""
    given = request.form.get("csrf_token", "")
    if not hmac.compare_digest(given.encode(), csrf_token(key, purpose).encode()):
        abort(403, "This form is not valid or has expired. Open the page again.")


def mode_from_form() -> Mode | None:
    """The webhook mode that the form selects; None for the default."""
    text = request.form.get("mode", "")
    if not text:
        return None
    try:
        return Mode(text)
    except ValueError:
        abort(400, "Unknown test behaviour.")
