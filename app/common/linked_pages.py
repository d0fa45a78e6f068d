"""Pages that mails link to: without scripts, and with one look."""

from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, make_response, render_template, send_from_directory

_STATIC: Final = Path(__file__).parent / "static" / "linked_page"

#: Resources from this server only, nothing inline, and a form that leads to this page.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def page_blueprint(name: str, import_name: str, path: str) -> Blueprint:
    """A blueprint for the pages below `path`, whose stylesheet and icon it serves.

    Their templates are in the package's folder `templates`.
    """
    blueprint = Blueprint(name, import_name, url_prefix=path, template_folder="templates")
    blueprint.add_url_rule("/assets/<asset_name>", view_func=_asset, endpoint="asset")
    return blueprint


def _asset(asset_name: str) -> Response:
    return send_from_directory(_STATIC, asset_name, max_age=3600)


def respond(template: str, status: int = 200, **values: Any) -> Response:
    """A page made from a template, which must not load anything from elsewhere."""
    response = make_response(render_template(template, **values), status)
    response.headers["Content-Security-Policy"] = _POLICY
    return response
