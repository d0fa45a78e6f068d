"""HTML pages: the payment page and the overview."""

from flask import (
    Blueprint,
    Response,
    abort,
    redirect,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from sandbox.bank import ledger, payments, payouts, webhooks
from sandbox.bank.bank import Bank, current_bank
from sandbox.bank.config import Provider
from sandbox.bank.ledger import InsufficientFunds
from sandbox.bank.modes import DESCRIPTIONS, get_mode, set_mode
from sandbox.bank.payments import Expired, InvalidRequest, PaymentRequest
from sandbox.common.modes import Mode
from sandbox.common.web import csrf_token, mode_from_form, render_page, require_csrf_token

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def overview() -> Response:
    """The accounts, payments, payouts and webhooks of each bank."""
    bank = current_bank()
    with bank.store.read_transaction() as connection:
        views = [
            {
                "provider": provider,
                "mode": get_mode(connection, provider.code),
                "accounts": ledger.list_accounts(connection, bank=provider.code),
                "payments": payments.recent(connection, bank=provider.code),
                "payouts": payouts.recent(connection, bank=provider.code),
                "webhooks": webhooks.recent(connection, bank=provider.code),
                "webhook_url": bank.config.webhook_url_of(provider),
                "csrf_token": csrf_token(provider.keys[0], "mode"),
            }
            for provider in bank.config.providers.values()
        ]
    return render_page("overview.html", banks=views, modes=DESCRIPTIONS, provider=None)


@blueprint.post("/<slug>/settings")
def change_settings(slug: str) -> AnyResponse:
    bank = current_bank()
    provider = bank.require_provider(slug)
    require_csrf_token(provider.keys[0], "mode")
    with bank.store.write_transaction() as connection:
        set_mode(connection, provider.code, mode_from_form() or Mode.NORMAL)
    return redirect(url_for("pages.overview"), code=303)


@blueprint.get("/<slug>/pay")
def payment_page(slug: str) -> Response:
    """The form of a payment request, or its outcome if it has been decided or has expired."""
    bank = current_bank()
    provider = bank.require_provider(slug)
    token = request.args.get("request", "")
    try:
        payment_request = payments.parse_request(token, provider)
    except InvalidRequest:
        return _invalid_link(provider)
    payment = payments.get(bank.store, provider, payment_request.reference)
    if payment is not None:
        return render_page(
            "decided.html", provider=provider, payment_request=payment_request, payment=payment
        )
    if payment_request.is_expired:
        return _expired_page(provider, payment_request)
    return _payment_form(bank, provider, payment_request, token)


@blueprint.post("/<slug>/pay")
def decide_payment(slug: str) -> AnyResponse:
    """Pay or decline a payment request, once, and show the outcome."""
    bank = current_bank()
    provider = bank.require_provider(slug)
    token = request.form.get("request", "")
    decision = request.form.get("decision")
    try:
        payment_request = payments.parse_request(token, provider)
    except InvalidRequest:
        return _invalid_link(provider)
    require_csrf_token(provider.keys[0], token)
    if decision not in ("pay", "decline"):
        abort(400, "The decision must be pay or decline.")
    try:
        payments.decide(
            bank.store,
            bank.config,
            provider,
            payment_request,
            pay=decision == "pay",
            mode=mode_from_form(),
        )
    except Expired:
        return _expired_page(provider, payment_request)
    except InsufficientFunds:
        pass  # The page shows it.
    bank.worker.wake()
    # Redirect after POST, so that reloading the page does not submit the form again.
    return redirect(url_for("pages.payment_page", slug=slug, request=token), code=303)


def _payment_form(
    bank: Bank, provider: Provider, payment_request: PaymentRequest, token: str
) -> Response:
    account, available = payments.payer_account(bank.store, bank.config, provider, payment_request)
    with bank.store.read_transaction() as connection:
        mode = get_mode(connection, provider.code)
    return render_page(
        "pay.html",
        provider=provider,
        payment_request=payment_request,
        account=account,
        available=available,
        insufficient=available < payment_request.amount,
        token=token,
        csrf_token=csrf_token(provider.keys[0], token),
        mode=mode,
        modes=DESCRIPTIONS,
    )


def _invalid_link(provider: Provider) -> Response:
    response = render_page(
        "error.html",
        provider=provider,
        title="This payment link is not valid",
        text="The link is incomplete, or the merchant did not sign it. No payment was made. "
        "Return to the merchant and start again.",
    )
    response.status_code = 400
    return response


def _expired_page(provider: Provider, payment_request: PaymentRequest) -> Response:
    response = render_page("expired.html", provider=provider, payment_request=payment_request)
    response.status_code = 410
    return response
