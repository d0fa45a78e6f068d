"""Opens and closes checkout sessions at the gateway. Calls an external service."""

from app.gateway import client
from app.gateway import service as gateway
from app.gateway.errors import GatewayRefused
from app.gateway.types import CheckoutSession, CheckoutSessionState
from app.orders.checkouts.service import PayableOrder
from app.orders.order_page.service import url_of


def open_checkout(found: PayableOrder) -> CheckoutSession:
    """Create the checkout session of an order. Idempotent: returns the existing one, if any.

    Raises GatewayUnavailable, GatewayRefused.
    """
    order = found.order
    page = url_of(order.id, base=gateway.checkout_settings().public_address)
    success_url, cancel_url = gateway.return_urls(order.id, page=page)
    return client.create_checkout_session(
        order.id,
        order_number=order.number,
        money=found.money,
        quantity=order.quantity,
        unit=found.unit,
        product_name=found.product_name,
        buyer_email=found.buyer_email,
        expires_at=found.checkout.expires_at,
        success_url=success_url,
        cancel_url=cancel_url,
    )


def close_checkout(found: PayableOrder) -> CheckoutSessionState | None:
    """Expire the checkout session of an order, unless it has been paid. Returns its final state.

    None if it never had a session. Raises GatewayUnavailable, GatewayRefused.
    """
    session_id = found.order.stripe_session_id
    if session_id is None:
        try:
            session_id = open_checkout(found).session_id
        except GatewayRefused as error:
            if error.is_too_late:
                return None
            raise
    return client.expire_checkout_session(session_id)
