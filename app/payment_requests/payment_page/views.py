"""The payment page that a payment link opens."""

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, make_response, render_template, send_from_directory

from app.common.db import reading
from app.common.http import settings
from app.payment_requests.errors import MerchantCodeNotFound
from app.payment_requests.http import limits_wrong_links
from app.payment_requests.payment_page.service import require_payment_page

_STATIC: Final = Path(__file__).parent / "static"

#: Resources from this server only, and nothing inline.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blp = Blueprint("pay", __name__, url_prefix="/pay", template_folder="templates")


@blp.get("/<token>")
@limits_wrong_links
def payment_page(token: str) -> Response:
    try:
        with reading() as session:
            page = require_payment_page(session, token)
    except MerchantCodeNotFound:
        return _page(render_template("pay/missing.html"), 404)
    return _page(render_template("pay/page.html", page=page, api=settings().api_prefix))


@blp.get("/assets/<asset_name>")
def asset(asset_name: str) -> Response:
    return send_from_directory(_STATIC, asset_name, max_age=3600)


def _page(html: str, status: int = 200) -> Response:
    response = make_response(html, status)
    response.headers["Content-Security-Policy"] = _POLICY
    return response
