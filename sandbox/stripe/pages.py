"""What people see: the page to pay on, and the overview of the sandbox."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.common.modes import Mode
from sandbox.common.web import chosen_mode, guard, page, require_guard
from sandbox.stripe import behaviour, checkouts, ledger, refunds, webhooks
from sandbox.stripe.behaviour import FAULTS, MODES, Fault
from sandbox.stripe.cards import CARDS, CardRefused
from sandbox.stripe.checkouts import NotOpen, Session
from sandbox.stripe.gateway import this_gateway
from sandbox.stripe.problems import Problem

blueprint = Blueprint("pages", __name__)

_MERCHANT = "Payment Flow"

#: Without `form-action`: browsers hold it against the merchant's address, to which who has paid
#: is sent on.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'"
)


@blueprint.get("/")
def overview() -> Response:
    gateway = this_gateway()
    with gateway.store.reading() as connection:
        return page(
            "overview.html",
            balances=ledger.balances(connection),
            sessions=checkouts.recent(connection),
            refunds=refunds.recent(connection),
            webhooks=webhooks.recent(connection),
            mode=behaviour.mode(connection),
            fault=behaviour.fault(connection),
            modes=MODES,
            faults=FAULTS,
            address=gateway.config.webhook_url,
            guard=_guard("behaviour"),
        )


@blueprint.post("/behaviour")
def change_behaviour() -> AnyResponse:
    _require_guard("behaviour")
    try:
        fault = Fault(request.form.get("fault", Fault.NONE))
    except ValueError:
        abort(400, "There is no such fault.")
    with this_gateway().store.writing() as connection:
        behaviour.set_mode(connection, chosen_mode() or Mode.NORMAL)
        behaviour.set_fault(connection, fault, times=None)
    return redirect(url_for("pages.overview"), code=303)


@blueprint.get("/c/pay/<session_id>")
def payment_page(session_id: str) -> Response:
    return _show(_require(session_id))


@blueprint.post("/c/pay/<session_id>")
def pay(session_id: str) -> AnyResponse:
    gateway = this_gateway()
    _require(session_id)
    _require_guard(session_id)
    number = request.form.get("number", "")
    try:
        with gateway.store.writing() as connection:
            checkouts.choose_mode(connection, session_id, chosen_mode())
            declined = checkouts.pay(connection, gateway.config, session_id, number=number)
    except NotOpen:
        return _show(_require(session_id))
    except CardRefused as refusal:
        return _show(_require(session_id), problem=refusal.told, number=number, status=400)
    gateway.office.wake()
    session = _require(session_id)
    if declined is not None:
        return _show(session, problem=declined.told, number=number, status=402)
    return redirect(session.landing_url, code=303)


def _require(session_id: str) -> Session:
    with this_gateway().store.reading() as connection:
        try:
            return checkouts.require(connection, session_id)
        except Problem:
            abort(404, "This payment link is not valid. Go back to the merchant and start again.")


def _show(
    session: Session, *, problem: str | None = None, number: str | None = None, status: int = 200
) -> Response:
    """The page of a session as it stands. problem: why it was not paid just now."""
    facts: dict[str, Any] = {"session": session, "merchant": _MERCHANT}
    if session.status == "complete":
        return page("paid.html", **facts)
    if session.status == "expired" or session.is_overdue:
        response = page("expired.html", **facts)
        response.status_code = 410
        return response
    with this_gateway().store.reading() as connection:
        mode = behaviour.mode(connection)
    response = page(
        "pay.html",
        **facts,
        problem=problem,
        number=CARDS[0].spaced if number is None else number,
        cards=CARDS,
        expiry=datetime.fromtimestamp(session.expires_at, UTC),
        guard=_guard(session.id),
        chosen=session.mode,
        mode=mode,
        modes=MODES,
    )
    response.status_code = status
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _guard(purpose: str) -> str:
    return guard(this_gateway().config.secret_key.encode(), purpose)


def _require_guard(purpose: str) -> None:
    require_guard(this_gateway().config.secret_key.encode(), purpose)
