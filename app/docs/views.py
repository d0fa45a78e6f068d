"""The OpenAPI document, Swagger UI and ReDoc, all served from this host."""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import flask_swagger_ui
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from app.common.http import etag_response
from app.common.json_format import dump_json
from app.docs.document import complete
from app.docs.errors import ErrorCode, codes_of

_STATIC: Final = Path(__file__).parent / "static"
_SWAGGER_UI: Final = Path(flask_swagger_ui.__file__).parent / "dist"

#: Scripts from this host only. Both pages use inline styles, and ReDoc searches in a worker.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "frame-ancestors 'none'"
)

blp = Blueprint("docs", __name__, url_prefix="/api", template_folder="templates")
root_blp = Blueprint("root", __name__)


@root_blp.get("/")
def root() -> BaseResponse:
    """Where somebody begins who knows only the address: people with the console, programs here."""
    accepted = request.accept_mimetypes
    is_browser = accepted.quality("text/html") > accepted.quality("application/json")
    response = redirect(url_for("console.page" if is_browser else "docs.swagger"))
    response.vary.add("Accept")
    return response


@blp.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document, serialized once: it does not change while the process runs."""
    extensions = current_app.extensions
    if "openapi_document" not in extensions:
        extensions["openapi_document"] = dump_json(document_of(current_app))
    return etag_response(extensions["openapi_document"])


def document_of(app: Flask) -> dict[str, Any]:
    """The OpenAPI document as a dictionary."""
    spec = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec
    return complete(deepcopy(spec.to_dict()))


@blp.get("/docs")
def swagger() -> Response:
    return _page("swagger.html")


@blp.get("/redoc")
def redoc() -> Response:
    return _page("redoc.html")


@blp.get("/errors")
@blp.get("/errors/<code>")
def errors(code: str | None = None) -> Response:
    """The page of an error code, or the list of them."""
    extensions = current_app.extensions
    if "error_codes" not in extensions:
        extensions["error_codes"] = codes_of(document_of(current_app))
    codes: dict[str, ErrorCode] = extensions["error_codes"]
    if code is not None and code not in codes:
        raise NotFound
    error = codes[code] if code else None
    # Not `tojson`: the application's JSON is compact.
    example = json.dumps(error.example, indent=2) if error and error.example else None
    page = render_template("docs/errors.html", codes=codes, error=error, example=example)
    return _secured(make_response(page))


@blp.get("/docs/assets/<path:name>")
def asset(name: str) -> Response:
    for folder in (_STATIC, _SWAGGER_UI):
        if os.path.isfile(folder / name):  # Path.is_file raises if the name is too long
            return send_from_directory(folder, name, max_age=3600)
    raise NotFound


def _page(name: str) -> Response:
    return _secured(send_from_directory(_STATIC, name))


def _secured(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    return response
