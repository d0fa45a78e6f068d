"""The bank as a Flask application."""

import time

from flask import Flask, Response, current_app, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from sandbox.bank import api, pages
from sandbox.bank.backoffice import BackOffice
from sandbox.bank.bank import Bank
from sandbox.bank.config import Config
from sandbox.bank.money import shown
from sandbox.bank.store import Store

_LARGEST_BODY_BYTES = 65_536

#: The address of the payment page is its key: it goes to no other site and into no cache.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(config: Config) -> Flask:
    """The bank on its own database. Its back office works once it is told to start."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY_BYTES
    config.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(config.data_dir / "bank.sqlite3")
    app.extensions["bank"] = Bank(config, store, BackOffice(config, store))
    app.jinja_env.filters["money"] = shown
    app.jinja_env.globals["now"] = time.time
    app.register_blueprint(api.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_error_handler(HTTPException, _refuse)
    app.after_request(_harden)
    return app


def _refuse(error: HTTPException) -> Response:
    """A page for people, JSON for programs."""
    text = error.description or ""
    if "text/html" in request.accept_mimetypes.values():
        page = render_template("problem.html", title=error.name, text=text, provider=None)
        response = current_app.make_response(page)
    else:
        response = jsonify(error=error.name.upper().replace(" ", "_"), message=text)
    response.status_code = error.code or 500
    return response


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
