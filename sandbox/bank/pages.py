"""What people see: the payment page, and the overview of the sandbox."""

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
from sandbox.bank.bank import Bank, this_bank
from sandbox.bank.config import Provider
from sandbox.bank.ledger import NotEnough
from sandbox.bank.modes import MEANINGS, mode_of, set_mode
from sandbox.bank.payments import Expired, InvalidRequest, PaymentRequest
from sandbox.common.modes import Mode
from sandbox.common.web import chosen_mode, guard, page, require_guard

blueprint = Blueprint("pages", __name__)


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
                "guard": guard(provider.keys[0], "mode"),
            }
            for provider in bank.config.providers.values()
        ]
    return page("overview.html", banks=views, meanings=MEANINGS, provider=None)


@blueprint.post("/<slug>/settings")
def change_settings(slug: str) -> AnyResponse:
    bank = this_bank()
    provider = bank.require_provider(slug)
    require_guard(provider.keys[0], "mode")
    with bank.store.writing() as connection:
        set_mode(connection, provider.code, chosen_mode() or Mode.NORMAL)
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
        return page("decided.html", provider=provider, asked=asked, payment=payment)
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
    require_guard(provider.keys[0], token)
    if decision not in ("pay", "decline"):
        abort(400, "Pay or decline?")
    try:
        payments.decide(
            bank.store,
            bank.config,
            provider,
            asked,
            pays=decision == "pay",
            mode=chosen_mode(),
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
    return page(
        "pay.html",
        provider=provider,
        asked=asked,
        account=account,
        available=available,
        short=available < asked.amount,
        token=token,
        guard=guard(provider.keys[0], token),
        mode=mode,
        meanings=MEANINGS,
    )


def _invalid(provider: Provider) -> Response:
    response = page(
        "problem.html",
        provider=provider,
        title="This payment link is not valid",
        text="It is incomplete, or it was not made by the merchant. Nothing was paid. "
        "Go back to the merchant and start again.",
    )
    response.status_code = 400
    return response


def _expired(provider: Provider, asked: PaymentRequest) -> Response:
    response = page("expired.html", provider=provider, asked=asked)
    response.status_code = 410
    return response
