"""The pages that payers return to from checkout sessions which version 1.0 opened."""

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

_STATIC: Final = Path(__file__).parent / "static"

#: Resources from this server only, and nothing inline.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

blp = Blueprint("checkout", __name__, url_prefix="/checkout", template_folder="templates")


@blp.get("/return")
def page() -> Response:
    """Explain what happens next. No details of the order are shown, because the page is public.

    Nor whether it was paid, because the browser often arrives before the gateway's webhook.
    """
    template = "cancelled" if request.args.get("outcome") == "cancelled" else "paid"
    response = make_response(render_template(f"checkout/{template}.html"))
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blp.get("/assets/<asset_name>")
def asset(asset_name: str) -> Response:
    return send_from_directory(_STATIC, asset_name, max_age=3600)
