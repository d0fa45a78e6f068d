"""The pages of the gateway where orders are paid: asking for one, and closing it. Calls outside."""

from app.gateway import client
from app.gateway import service as gateway
from app.gateway.types import CheckoutSession, CheckoutSessionState
from app.orders.checkouts.service import PayableOrder


def open_checkout(found: PayableOrder) -> CheckoutSession:
    """Have the gateway make the page for an order, or say which one it has made.

    Raises GatewayUnavailable, GatewayRefused.
    """
    order = found.order
    success_url, cancel_url = gateway.return_urls(order.id)
    return client.create_checkout_session(
        order.id,
        money=found.money,
        quantity=order.quantity,
        unit=found.unit,
        product_name=found.product_name,
        buyer_email=found.buyer_email,
        expires_at=found.checkout.expires_at,
        success_url=success_url,
        cancel_url=cancel_url,
    )


def close_checkout(found: PayableOrder) -> CheckoutSessionState:
    """Have nobody pay for an order any more, unless somebody has.

    Raises GatewayUnavailable, and GatewayRefused when there is no checkout.
    """
    known = found.order.stripe_session_id
    return client.expire_checkout_session(known or open_checkout(found).session_id)
