"""The payment page that a payment link opens."""

from pathlib import Path

from flask import Response

from app.common.db import reading
from app.common.hosted_pages import page_blueprint, render, respond
from app.payment_requests.errors import MerchantCodeNotFound
from app.payment_requests.http import limits_wrong_links
from app.payment_requests.payment_page.service import require_payment_page

blp = page_blueprint("pay", __name__, "/pay", folder=Path(__file__).parent)


@blp.get("/<token>")
@limits_wrong_links
def payment_page(token: str) -> Response:
    try:
        with reading() as session:
            page = require_payment_page(session, token)
    except MerchantCodeNotFound:
        return respond(render("pay/missing.html"), 404)
    return respond(render("pay/page.html", page=page))
