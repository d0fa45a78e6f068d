"""How the pages of a stand-in look and behave, and who may send their forms."""

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
from sandbox.common.money import shown

_LARGEST_BODY_BYTES = 65_536
_VISITOR = "sandbox-visitor"
_VISIT_SECONDS = 86_400

#: The address of a payment page is its key: it goes to no other site and into no cache.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

#: Templates, styles and scripts that all have.
_blueprint = Blueprint(
    "sandbox",
    __name__,
    static_folder="static",
    static_url_path="/",
    url_prefix="/sandbox",
    template_folder="templates",
)


def install(app: Flask) -> None:
    """Give `app` the look, the headers and the refusals of a stand-in."""
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY_BYTES
    app.jinja_env.filters["money"] = shown
    app.jinja_env.globals["now"] = time.time
    app.register_blueprint(_blueprint)
    app.register_error_handler(HTTPException, _refuse)
    app.after_request(_harden)


def _refuse(error: HTTPException) -> Response:
    """A page for people, JSON for programs."""
    text = error.description or ""
    if "text/html" in request.accept_mimetypes.values():
        page = render_template("problem.html", title=error.name, text=text)
        response = current_app.make_response(page)
    else:
        response = jsonify(error=error.name.upper().replace(" ", "_"), message=text)
    response.status_code = error.code or 500
    return response


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def page(template: str, **values: Any) -> Response:
    """A page for whoever asks, who is known again by a cookie when they send its form."""
    response = make_response(render_template(template, **values))
    # Lax: the merchant's link brings the cookie along, a form of another site does not.
    response.set_cookie(_VISITOR, _visitor(), max_age=_VISIT_SECONDS, httponly=True, samesite="Lax")
    return response


def _visitor() -> str:
    """Who looks at the page: what the browser was given before, or something new."""
    if "visitor" not in g:
        g.visitor = request.cookies.get(_VISITOR) or secrets.token_urlsafe(24)
    return str(g.visitor)


def guard(key: bytes, purpose: str) -> str:
    """Proves that a form for this purpose was given to this visitor by us."""
    message = f"{_visitor()} {purpose}".encode()
    return hmac.new(key, message, "sha256").hexdigest()


def require_guard(key: bytes, purpose: str) -> None:
    """Refuse a form that carries no such proof."""
    given = request.form.get("guard", "")
    if not hmac.compare_digest(given.encode(), guard(key, purpose).encode()):
        abort(403, "This form was not made for you, or it is too old. Open the page again.")


def chosen_mode() -> Mode | None:
    """What the form says of how to report; none when it leaves that to us."""
    text = request.form.get("mode", "")
    if not text:
        return None
    try:
        return Mode(text)
    except ValueError:
        abort(400, "There is no such test behaviour.")
