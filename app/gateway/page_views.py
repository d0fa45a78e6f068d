"""The pages that payers return to from the gateway, unless the shop has its own."""

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

_STATIC: Final = Path(__file__).parent / "static"

#: Everything comes from this server, and nothing is inline.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

blp = Blueprint("checkout", __name__, url_prefix="/checkout", template_folder="templates")


@blp.get("/return")
def page() -> Response:
    """Explain what happens next, without any detail of an order: the address is public.

    It cannot say that the order was paid: the browser often arrives before the gateway's webhook.
    """
    template = "cancelled" if request.args.get("outcome") == "cancelled" else "paid"
    response = make_response(render_template(f"checkout/{template}.html"))
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blp.get("/assets/<asset_name>")
def asset(asset_name: str) -> Response:
    return send_from_directory(_STATIC, asset_name, max_age=3600)
