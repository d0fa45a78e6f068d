"""Requests to the payment gateway, and the only place that makes them. Never in a transaction.

The gateway is Stripe, or the simulator of the sandbox, which has the same API. Stripe's library
costs each process 6 MB and a tenth of a second, so it is imported at the first request.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import structlog

from app.common import circuit
from app.common.money import Money
from app.common.process_state import Slot
from app.gateway import parsing
from app.gateway.amounts import is_payable, require_payable
from app.gateway.errors import (
    AmountNotPayable,
    GatewayNotConfigured,
    GatewayRefused,
    GatewayUnavailable,
    InvalidGatewayObject,
)
from app.gateway.provider_config import GatewayConfig
from app.gateway.types import CheckoutSession, CheckoutSessionState, GatewayRefund

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

#: One retry within a second, with the same idempotency key. Callers retry later.
RETRIES: Final = 1
#: Pinned, so that requests and responses keep their meaning when the library is upgraded.
VERSION: Final = "2026-10-28.endive"

_CIRCUIT: Final = "gateway"
_MAX_NAME: Final = 250
_MAX_METADATA: Final = 500
#: The only 4xx status that leaves the outcome open: the same request is in progress.
_IN_PROGRESS: Final = 409
_AMOUNT_ERRORS: Final = {"amount_too_small", "amount_too_large"}

_log = structlog.get_logger()

#: The gateway of this process; None disables card payments.
config: Final[Slot[GatewayConfig | None]] = Slot("gateway", default=None)


def is_suspended() -> bool:
    """Whether the gateway is not called at the moment, because its recent calls failed."""
    return circuit.is_open(_CIRCUIT)


def is_configured() -> bool:
    """Whether buyers can pay by card."""
    return config() is not None


def require_config() -> GatewayConfig:
    """Raises GatewayNotConfigured."""
    found = config()
    if found is None:
        raise GatewayNotConfigured
    return found


def create_checkout_session(
    order_id: UUID,
    *,
    order_number: str,
    money: Money,
    quantity: int,
    unit: Money,
    product_name: str,
    buyer_email: str | None,
    expires_at: datetime,
    success_url: str,
    cancel_url: str,
) -> CheckoutSession:
    """Create the checkout session where an order can be paid, once, until it expires.

    money: the total, `quantity` times `unit` unless there is a discount. Called again with the same
    arguments within 24 hours, returns the same session. Raises GatewayNotConfigured,
    GatewayUnavailable (the session may exist; call again), AmountNotPayable, GatewayRefused. If
    that `is_too_late`, no session was ever created with this expiry: call with a later one.
    """
    require_payable(money)
    ours = {"order_id": str(order_id), "order_number": order_number}
    params: dict[str, Any] = {
        "mode": "payment",
        # Cards and card wallets only: delivery is immediate, so no method that takes days.
        "payment_method_types": ["card"],
        "line_items": [_line_item(money, quantity=quantity, unit=unit, name=product_name)],
        "client_reference_id": str(order_id),
        "metadata": ours,
        "payment_intent_data": {"metadata": ours, "description": f"Order {order_number}"},
        "expires_at": int(expires_at.timestamp()),
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    if buyer_email is not None:
        params["customer_email"] = buyer_email
    raw = _request(
        "create checkout session",
        lambda: _client().v1.checkout.sessions.create(
            params,  # type: ignore[arg-type]  # a dict is one of its own types
            {"idempotency_key": f"order-{order_id}-{order_number}-{params['expires_at']}"},
        ),
    )
    return _parse(lambda: parsing.parse_checkout_session(raw, order_id=order_id, money=money))


def _line_item(money: Money, *, quantity: int, unit: Money, name: str) -> dict[str, Any]:
    """`quantity` units at their price, or one item of the total when that is another amount (a
    discount) or the unit price alone is not payable."""
    is_itemized = Money(unit.minor * quantity, unit.currency) == money and is_payable(unit)
    label = name if is_itemized or quantity == 1 else f"{quantity} x {name}"
    return {
        "quantity": quantity if is_itemized else 1,
        "price_data": {
            "currency": money.currency.lower(),
            "unit_amount": (unit if is_itemized else money).minor,
            "product_data": {"name": label[:_MAX_NAME]},
        },
    }


def expire_checkout_session(session_id: str) -> CheckoutSessionState:
    """Expire a session unless it has been paid. Returns PAID or EXPIRED, and both are final.

    Raises GatewayNotConfigured, GatewayUnavailable, GatewayRefused (there is no such session).
    """
    try:
        raw = _request(
            "expire checkout session",
            lambda: _client().v1.checkout.sessions.expire(session_id),
        )
    except GatewayRefused:  # it is not open any more: paid, or expired
        return retrieve_checkout_session(session_id)
    return _parse(lambda: parsing.parse_checkout_session_state(raw))


def retrieve_checkout_session(session_id: str) -> CheckoutSessionState:
    """Raises as expire_checkout_session."""
    raw = _request(
        "retrieve checkout session",
        lambda: _client().v1.checkout.sessions.retrieve(session_id),
    )
    return _parse(lambda: parsing.parse_checkout_session_state(raw))


def create_refund(
    refund_id: UUID, *, payment_intent_id: str, money: Money, reason: str
) -> GatewayRefund:
    """Refund a payment or a part of it, once: called again, returns the same refund.

    The gateway remembers the request for 24 hours; after that call `find_refund` first.
    reason: for people who read the gateway's records. Raises GatewayNotConfigured,
    GatewayUnavailable (the refund may exist; call again), AmountNotPayable, GatewayRefused (there
    is no refund).
    """
    require_payable(money)
    raw = _request(
        "create refund",
        lambda: _client().v1.refunds.create(
            {
                "payment_intent": payment_intent_id,
                "amount": money.minor,
                "reason": "requested_by_customer",
                "metadata": {
                    "refund_id": str(refund_id),
                    "reason": reason[:_MAX_METADATA],
                },
            },
            {"idempotency_key": f"refund-{refund_id}"},
        ),
    )
    return _parse(lambda: parsing.parse_refund(raw, refund_id=refund_id, money=money))


def retrieve_refund(gateway_refund_id: str) -> GatewayRefund:
    """gateway_refund_id: GatewayRefund.id. Raises as expire_checkout_session."""
    raw = _request("retrieve refund", lambda: _client().v1.refunds.retrieve(gateway_refund_id))
    return _parse(lambda: parsing.parse_refund(raw))


def find_refund(refund_id: UUID, *, payment_intent_id: str) -> GatewayRefund | None:
    """The refund with our id; None if it was never created. Raises as expire_checkout_session."""

    def find() -> "stripe.Refund | None":
        refunds = _client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
        return next((one for one in refunds.auto_paging_iter() if _has_id(one, refund_id)), None)

    raw = _request("find refund", find)
    return _parse(lambda: parsing.parse_refund(raw, refund_id=refund_id)) if raw else None


def _has_id(refund: "stripe.Refund", refund_id: UUID) -> bool:
    metadata = refund.to_dict().get("metadata") or {}
    return bool(metadata.get("refund_id") == str(refund_id))


def list_events(since: datetime, *, types: Collection[str]) -> list[dict[str, Any]]:
    """The events of these types since then, oldest first. The gateway keeps them for 30 days.

    Raises GatewayNotConfigured, GatewayUnavailable, GatewayRefused.
    """
    found: list[dict[str, Any]] = []

    def list_all() -> None:
        pages = _client().v1.events.list(
            {"created": {"gte": int(since.timestamp())}, "types": list(types), "limit": 100}
        )
        found[:] = [event.to_dict() for event in pages.auto_paging_iter()]

    _request("list events", list_all)
    return found[::-1]


def is_signed(header: str, body: bytes, *, secret: str) -> bool:
    """Whether that secret has signed the body, at any time. header: well formed; body: UTF-8."""
    import stripe

    try:
        stripe.WebhookSignature.verify_header(body, header, secret)
    except stripe.SignatureVerificationError:
        return False
    return True


def _parse(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except InvalidGatewayObject as error:
        _log.warning("gateway response invalid", problem=str(error))
        raise GatewayUnavailable from error


def _request(what: str, send: "Callable[[], stripe.StripeObject | None]") -> dict[str, Any]:
    """The object in the response, {} for none.

    Raises GatewayNotConfigured, GatewayUnavailable, GatewayRefused.
    """
    require_config()
    import stripe

    def attempt() -> dict[str, Any]:
        try:
            found = send()
        except stripe.StripeError as error:
            raise _refusal(what, error) from None  # its text is not for the log, see there
        return {} if found is None else found.to_dict()

    try:
        response = circuit.call(_CIRCUIT, attempt, failure=GatewayUnavailable)
    except circuit.CircuitOpen as error:
        raise GatewayUnavailable(retry_after=circuit.RESET_SECONDS) from error
    _log.info("gateway called", what=what, object=response.get("id"), status=response.get("status"))
    return response


def _refusal(what: str, error: "stripe.StripeError") -> GatewayUnavailable | GatewayRefused:
    """Our error for one of the library, whose text is dropped: it may contain secrets and names."""
    import stripe

    status = error.http_status or 0
    _log.warning(
        "gateway refused",
        what=what,
        kind=type(error).__name__,
        status=status,
        code=error.code,
        parameter=getattr(error, "param", None),
        # The only text that `transport` writes, so it is safe.
        problem=error.user_message if isinstance(error, stripe.APIConnectionError) else None,
        gateway_request=error.request_id,
    )
    is_rate_limited = isinstance(error, stripe.RateLimitError)
    if not 400 <= status < 500 or status == _IN_PROGRESS or is_rate_limited:
        return GatewayUnavailable()
    if error.code in _AMOUNT_ERRORS:
        return AmountNotPayable(reason=error.code)
    return GatewayRefused(
        reason=error.code or type(error).__name__, parameter=getattr(error, "param", None)
    )


def _client() -> "stripe.StripeClient":
    return _client_of(require_config())


@lru_cache(maxsize=1)
def _client_of(config: GatewayConfig) -> "stripe.StripeClient":
    import stripe

    from app.gateway.transport import Transport

    return stripe.StripeClient(
        config.secret_key,
        stripe_version=VERSION,
        base_addresses={"api": config.url},
        max_network_retries=RETRIES,
        http_client=Transport(),
    )
