"""HTML pages: the payment page and the overview."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.common.modes import Mode
from sandbox.common.web import csrf_token, mode_from_form, render_page, require_csrf_token
from sandbox.stripe import behaviour, checkouts, ledger, refunds, webhooks
from sandbox.stripe.behaviour import FAULTS, MODES, Fault
from sandbox.stripe.cards import CARDS, CardError
from sandbox.stripe.checkouts import Session, SessionNotOpen
from sandbox.stripe.errors import ApiError
from sandbox.stripe.gateway import current_gateway

blueprint = Blueprint("pages", __name__)

_MERCHANT = "Payment Flow"

#: Without `form-action`: browsers also apply it to the redirect to the merchant after paying.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'"
)


@blueprint.get("/")
def overview() -> Response:
    """The balances, sessions, refunds and webhooks, and the test behaviour."""
    gateway = current_gateway()
    with gateway.store.read_transaction() as connection:
        return render_page(
            "overview.html",
            balances=ledger.balances(connection),
            sessions=checkouts.recent(connection),
            refunds=refunds.recent(connection),
            webhooks=webhooks.recent(connection),
            mode=behaviour.get_mode(connection),
            fault=behaviour.get_fault(connection),
            modes=MODES,
            faults=FAULTS,
            webhook_url=gateway.config.webhook_url,
            csrf_token=_csrf_token("behaviour"),
        )


@blueprint.post("/behaviour")
def change_behaviour() -> AnyResponse:
    _require_csrf_token("behaviour")
    try:
        fault = Fault(request.form.get("fault", Fault.NONE))
    except ValueError:
        abort(400, "Unknown fault.")
    with current_gateway().store.write_transaction() as connection:
        behaviour.set_mode(connection, mode_from_form() or Mode.NORMAL)
        behaviour.set_fault(connection, fault, times=None)
    return redirect(url_for("pages.overview"), code=303)


@blueprint.get("/c/pay/<session_id>")
def payment_page(session_id: str) -> Response:
    return _render_session(_require_session(session_id))


@blueprint.post("/c/pay/<session_id>")
def pay(session_id: str) -> AnyResponse:
    """Pay an open session by card, and redirect to the shop. A declined card can be replaced."""
    gateway = current_gateway()
    _require_session(session_id)
    _require_csrf_token(session_id)
    number = request.form.get("number", "")
    try:
        with gateway.store.write_transaction() as connection:
            checkouts.set_mode(connection, session_id, mode_from_form())
            declined = checkouts.pay(connection, gateway.config, session_id, number=number)
    except SessionNotOpen:
        return _render_session(_require_session(session_id))
    except CardError as error:
        return _render_session(
            _require_session(session_id), error=error.message, number=number, status=400
        )
    gateway.worker.wake()
    session = _require_session(session_id)
    if declined is not None:
        return _render_session(session, error=declined.message, number=number, status=402)
    return redirect(session.redirect_url, code=303)


def _require_session(session_id: str) -> Session:
    with current_gateway().store.read_transaction() as connection:
        try:
            return checkouts.require(connection, session_id)
        except ApiError:
            abort(404, "This payment link is not valid. Return to the merchant and start again.")


def _render_session(
    session: Session, *, error: str | None = None, number: str | None = None, status: int = 200
) -> Response:
    """The page for the session's status. error: why the last attempt to pay failed."""
    context: dict[str, Any] = {"session": session, "merchant": _MERCHANT}
    if session.status == "complete":
        return render_page("paid.html", **context)
    if session.status == "expired" or session.is_overdue:
        response = render_page("expired.html", **context)
        response.status_code = 410
        return response
    with current_gateway().store.read_transaction() as connection:
        mode = behaviour.get_mode(connection)
    response = render_page(
        "pay.html",
        **context,
        error=error,
        number=CARDS[0].spaced if number is None else number,
        cards=CARDS,
        expiry=datetime.fromtimestamp(session.expires_at, UTC),
        csrf_token=_csrf_token(session.id),
        selected_mode=session.mode,
        mode=mode,
        modes=MODES,
    )
    response.status_code = status
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _csrf_token(purpose: str) -> str:
    return csrf_token(current_gateway().config.secret_key.encode(), purpose)


def _require_csrf_token(purpose: str) -> None:
    require_csrf_token(current_gateway().config.secret_key.encode(), purpose)
