"""What we ask of the payment gateway: the one place that talks to it. Never within a transaction.

It is Stripe, or the sandbox's stand-in, which speaks the same. The library takes 6 MB and a tenth
of a second of each process, so it is imported when the first thing is asked.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import structlog

from app.common import circuit
from app.common.money import Money
from app.common.outside import GatewayAccount
from app.gateway import terms
from app.gateway.errors import (
    AmountNotPayable,
    GatewayNotConfigured,
    GatewayRefused,
    GatewayUnavailable,
)
from app.gateway.terms import Checkout, CheckoutState, NotUnderstood, RefundState

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

#: A second try within a second, with the same key. Whoever has asked goes on later.
RETRIES: Final = 1
#: What our requests and its answers mean does not change with the library.
VERSION: Final = "2026-10-28.endive"

_CIRCUIT: Final = "gateway"
_LONGEST_NAME: Final = 250
_LONGEST_METADATA: Final = 500
#: Besides 5xx, what says nothing about what was asked: it is in progress.
_LATER: Final = {409}
_AMOUNT_PROBLEMS: Final = {"amount_too_small", "amount_too_large"}

_log = structlog.get_logger()

_account: GatewayAccount | None = None


def configure(account: GatewayAccount | None) -> None:
    """Make this our account in this process; None: nobody can pay at a gateway here."""
    global _account
    _account = account


def require_account() -> GatewayAccount:
    """Raises GatewayNotConfigured."""
    if _account is None:
        raise GatewayNotConfigured
    return _account


def open_checkout(
    order_id: UUID,
    *,
    money: Money,
    quantity: int,
    unit: Money,
    product_name: str,
    buyer_email: str | None,
    expires_at: datetime,
    success_url: str,
    cancel_url: str,
) -> Checkout:
    """Have a page made on which that order can be paid, once, until it expires.

    money: what is to be paid, `quantity` times `unit` unless there is a discount. Asked again with
    the same arguments within 24 hours it is the same page. Raises GatewayNotConfigured,
    GatewayUnavailable (there may be a page; ask again), AmountNotPayable, GatewayRefused.
    """
    terms.require_payable(money)
    ours = {"order_id": str(order_id)}
    params: dict[str, Any] = {
        "mode": "payment",
        # Cards and what stands for them; goods are handed out at once, so nothing that takes days.
        "payment_method_types": ["card"],
        "line_items": [_line(money, quantity=quantity, unit=unit, name=product_name)],
        "client_reference_id": str(order_id),
        "metadata": ours,
        "payment_intent_data": {"metadata": ours},
        "expires_at": int(expires_at.timestamp()),
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    if buyer_email is not None:
        params["customer_email"] = buyer_email
    raw = _ask(
        "open checkout",
        lambda: _client().v1.checkout.sessions.create(
            params,  # type: ignore[arg-type]  # a dict is one of its own types
            {"idempotency_key": f"order-{order_id}"},
        ),
    )
    return _understand(lambda: terms.read_checkout(raw, order_id=order_id, money=money))


def _line(money: Money, *, quantity: int, unit: Money, name: str) -> dict[str, Any]:
    """So many at that price; one of all together if they come to another amount (a discount), or
    if the price alone is none that can be paid."""
    whole = Money(unit.minor * quantity, unit.currency) == money and terms.is_payable(unit)
    label = name if whole or quantity == 1 else f"{quantity} x {name}"
    return {
        "quantity": quantity if whole else 1,
        "price_data": {
            "currency": money.currency.lower(),
            "unit_amount": (unit if whole else money).minor,
            "product_data": {"name": label[:_LONGEST_NAME]},
        },
    }


def close_checkout(session_id: str) -> CheckoutState:
    """Let nobody pay there any more, unless somebody has: PAID or EXPIRED, and it stays so.

    Raises GatewayNotConfigured, GatewayUnavailable, GatewayRefused (there is no such session).
    """
    try:
        raw = _ask("close checkout", lambda: _client().v1.checkout.sessions.expire(session_id))
    except GatewayRefused:  # it is not open any more: paid, or expired
        return look_up(session_id)
    return _understand(lambda: terms.read_checkout_state(raw))


def look_up(session_id: str) -> CheckoutState:
    """How a checkout stands. Raises as close_checkout."""
    raw = _ask("look up", lambda: _client().v1.checkout.sessions.retrieve(session_id))
    return _understand(lambda: terms.read_checkout_state(raw))


def refund(refund_id: UUID, *, payment_intent_id: str, money: Money, reason: str) -> RefundState:
    """Give back what was paid, or a part of it, once: asked again it is the same refund.

    The gateway forgets that it was asked after 24 hours; look with `find_refund` before asking
    again after that. reason: for people who look at the gateway's records. Raises
    GatewayNotConfigured, GatewayUnavailable (it may have been made; ask again), AmountNotPayable,
    GatewayRefused (it was not made).
    """
    terms.require_payable(money)
    raw = _ask(
        "refund",
        lambda: _client().v1.refunds.create(
            {
                "payment_intent": payment_intent_id,
                "amount": money.minor,
                "reason": "requested_by_customer",
                "metadata": {
                    "refund_id": str(refund_id),
                    "reason": reason[:_LONGEST_METADATA],
                },
            },
            {"idempotency_key": f"refund-{refund_id}"},
        ),
    )
    return _understand(lambda: terms.read_refund_state(raw, refund_id=refund_id, money=money))


def look_up_refund(gateway_refund_id: str) -> RefundState:
    """How a refund stands. gateway_refund_id: RefundState.id. Raises as close_checkout."""
    raw = _ask("look up refund", lambda: _client().v1.refunds.retrieve(gateway_refund_id))
    return _understand(lambda: terms.read_refund_state(raw))


def find_refund(refund_id: UUID, *, payment_intent_id: str) -> RefundState | None:
    """What has become of a refund, by our id; None if it was never made. Raises as
    close_checkout."""

    def find() -> "stripe.Refund | None":
        made = _client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
        return next((one for one in made.auto_paging_iter() if _is(one, refund_id)), None)

    raw = _ask("find refund", find)
    return _understand(lambda: terms.read_refund_state(raw, refund_id=refund_id)) if raw else None


def _is(made: "stripe.Refund", refund_id: UUID) -> bool:
    """Whether the gateway has made that refund under our id."""
    metadata = made.to_dict().get("metadata") or {}
    return bool(metadata.get("refund_id") == str(refund_id))


def is_signed(header: str, body: bytes, *, secret: str) -> bool:
    """Whether that secret has signed the body, whenever. header: well formed; body: UTF-8."""
    import stripe

    try:
        stripe.WebhookSignature.verify_header(body, header, secret)
    except stripe.SignatureVerificationError:
        return False
    return True


def _understand(read: Callable[[], T]) -> T:
    try:
        return read()
    except NotUnderstood as error:
        _log.warning("gateway puzzling", problem=str(error))
        raise GatewayUnavailable from error


def _ask(what: str, call: "Callable[[], stripe.StripeObject | None]") -> dict[str, Any]:
    """The object that the gateway answers with, {} for none.

    Raises GatewayNotConfigured, GatewayUnavailable, and GatewayRefused when it has said no.
    """
    require_account()
    import stripe

    def ask() -> dict[str, Any]:
        try:
            found = call()
        except stripe.StripeError as error:
            raise _refusal(what, error) from None  # its text is not for the log, see there
        return {} if found is None else found.to_dict()

    try:
        answer = circuit.call(_CIRCUIT, ask, failure=GatewayUnavailable)
    except circuit.CircuitOpen as error:
        raise GatewayUnavailable(retry_after=circuit.REST_SECONDS) from error
    _log.info("gateway asked", what=what, object=answer.get("id"), status=answer.get("status"))
    return answer


def _refusal(what: str, error: "stripe.StripeError") -> GatewayUnavailable | GatewayRefused:
    """What an error of the library means. Its text may name secrets and people and stays here."""
    import stripe

    status = error.http_status or 0
    _log.warning(
        "gateway refused",
        what=what,
        kind=type(error).__name__,
        status=status,
        code=error.code,
        parameter=getattr(error, "param", None),
        # Of our own making, as the rest is not.
        problem=error.user_message if isinstance(error, stripe.APIConnectionError) else None,
        gateway_request=error.request_id,
    )
    too_often = isinstance(error, stripe.RateLimitError)
    if not 400 <= status < 500 or status in _LATER or too_often:
        return GatewayUnavailable()
    if error.code in _AMOUNT_PROBLEMS:
        return AmountNotPayable(reason=error.code)
    return GatewayRefused(reason=error.code or type(error).__name__)


def _client() -> "stripe.StripeClient":
    return _client_of(require_account())


@lru_cache(maxsize=1)
def _client_of(account: GatewayAccount) -> "stripe.StripeClient":
    import stripe

    from app.gateway.transport import Transport

    return stripe.StripeClient(
        account.secret_key,
        stripe_version=VERSION,
        base_addresses={"api": account.url},
        max_network_retries=RETRIES,
        http_client=Transport(),
    )
