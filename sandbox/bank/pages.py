"""What people see: the payment page, and the overview of the sandbox."""

import hmac
import secrets
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from sandbox.bank import ledger, payments, payouts, webhooks
from sandbox.bank.bank import Bank, this_bank
from sandbox.bank.config import Provider
from sandbox.bank.ledger import NotEnough
from sandbox.bank.modes import MEANINGS, Mode, mode_of, set_mode
from sandbox.bank.payments import Expired, InvalidRequest, PaymentRequest

blueprint = Blueprint("pages", __name__)

_VISITOR = "bank-visitor"
_VISIT_SECONDS = 86_400


@blueprint.get("/")
def overview() -> Response:
    bank = this_bank()
    with bank.store.reading() as connection:
        views = [
            {
                "provider": provider,
                "mode": mode_of(connection, provider.code),
                "accounts": ledger.all_accounts(connection, bank=provider.code),
                "payments": payments.recent(connection, bank=provider.code),
                "payouts": payouts.recent(connection, bank=provider.code),
                "webhooks": webhooks.recent(connection, bank=provider.code),
                "address": bank.config.webhook_address(provider),
                "guard": _guard(provider, "mode"),
            }
            for provider in bank.config.providers.values()
        ]
    return _page("overview.html", banks=views, meanings=MEANINGS, provider=None)


@blueprint.post("/<slug>/settings")
def change_settings(slug: str) -> AnyResponse:
    bank = this_bank()
    provider = bank.require_provider(slug)
    _require_guard(provider, "mode")
    with bank.store.writing() as connection:
        set_mode(connection, provider.code, _chosen_mode() or Mode.NORMAL)
    return redirect(url_for("pages.overview"), code=303)


@blueprint.get("/<slug>/pay")
def payment_page(slug: str) -> Response:
    bank = this_bank()
    provider = bank.require_provider(slug)
    token = request.args.get("request", "")
    try:
        asked = payments.read_request(token, provider)
    except InvalidRequest:
        return _invalid(provider)
    payment = payments.find(bank.store, provider, asked.reference)
    if payment is not None:
        return _page("decided.html", provider=provider, asked=asked, payment=payment)
    if asked.is_expired:
        return _expired(provider, asked)
    return _open(bank, provider, asked, token)


@blueprint.post("/<slug>/pay")
def decide_payment(slug: str) -> AnyResponse:
    bank = this_bank()
    provider = bank.require_provider(slug)
    token = request.form.get("request", "")
    decision = request.form.get("decision")
    try:
        asked = payments.read_request(token, provider)
    except InvalidRequest:
        return _invalid(provider)
    _require_guard(provider, token)
    if decision not in ("pay", "decline"):
        abort(400, "Pay or decline?")
    try:
        payments.decide(
            bank.store,
            bank.config,
            provider,
            asked,
            pays=decision == "pay",
            mode=_chosen_mode(),
        )
    except Expired:
        return _expired(provider, asked)
    except NotEnough:
        pass  # The page says so.
    bank.office.wake()
    # A page of its own, so that loading it again asks for nothing again.
    return redirect(url_for("pages.payment_page", slug=slug, request=token), code=303)


def _open(bank: Bank, provider: Provider, asked: PaymentRequest, token: str) -> Response:
    account, available = payments.payer_account(bank.store, bank.config, provider, asked)
    with bank.store.reading() as connection:
        mode = mode_of(connection, provider.code)
    return _page(
        "pay.html",
        provider=provider,
        asked=asked,
        account=account,
        available=available,
        short=available < asked.amount,
        token=token,
        guard=_guard(provider, token),
        mode=mode,
        meanings=MEANINGS,
    )


def _invalid(provider: Provider) -> Response:
    response = _page(
        "problem.html",
        provider=provider,
        title="This payment link is not valid",
        text="It is incomplete, or it was not made by the merchant. Nothing was paid. "
        "Go back to the merchant and start again.",
    )
    response.status_code = 400
    return response


def _expired(provider: Provider, asked: PaymentRequest) -> Response:
    response = _page("expired.html", provider=provider, asked=asked)
    response.status_code = 410
    return response


def _page(template: str, **values: Any) -> Response:
    response = make_response(render_template(template, **values))
    # Lax: the merchant's link brings the cookie along, a form of another site does not.
    response.set_cookie(_VISITOR, _visitor(), max_age=_VISIT_SECONDS, httponly=True, samesite="Lax")
    return response


def _visitor() -> str:
    """Who looks at the page: what the browser was given before, or something new."""
    if "visitor" not in g:
        g.visitor = request.cookies.get(_VISITOR) or secrets.token_urlsafe(24)
    return str(g.visitor)


def _guard(provider: Provider, purpose: str) -> str:
    """Proves that a form for this purpose was given to this visitor by us."""
    message = f"{_visitor()} {purpose}".encode()
    return hmac.new(provider.keys[0], message, "sha256").hexdigest()


def _require_guard(provider: Provider, purpose: str) -> None:
    given = request.form.get("guard", "")
    if not hmac.compare_digest(given.encode(), _guard(provider, purpose).encode()):
        abort(403, "This form was not made for you, or it is too old. Open the page again.")


def _chosen_mode() -> Mode | None:
    text = request.form.get("mode", "")
    if not text:
        return None
    try:
        return Mode(text)
    except ValueError:
        abort(400, "There is no such test behaviour.")
