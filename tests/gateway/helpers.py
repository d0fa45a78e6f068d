"""Creating checkout sessions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.gateway import client
from app.gateway.provider_config import GatewayConfig
from app.gateway.types import CheckoutSession
from app.orders.numbers import EXAMPLE_NUMBER
from tests.stripe import GOOD_CARD, Buyer

#: The type of the fixture `use_gateway`.
UseGateway = Callable[[GatewayConfig | None], None]

MONEY = Money(5000, "USD")


def session_arguments(**changes: Any) -> dict[str, Any]:
    """The arguments of a session for two units at $25.00. changes: other arguments."""
    return {
        "order_number": EXAMPLE_NUMBER,
        "money": MONEY,
        "quantity": 2,
        "unit": Money(2500, "USD"),
        "product_name": "Field Guide",
        "buyer_email": "ada@example.com",
        "expires_at": clock.now() + timedelta(minutes=31),
        "success_url": "https://shop.example.com/thanks",
        "cancel_url": "https://shop.example.com/cart",
        **changes,
    }


def created_session(order_id: UUID | None = None, **changes: Any) -> CheckoutSession:
    return client.create_checkout_session(order_id or new_id(), **session_arguments(**changes))


def paid_intent(order_id: UUID | None = None, card: str = GOOD_CARD, **changes: Any) -> str:
    """Pay a session. Returns the id of its PaymentIntent."""
    checkout = created_session(order_id, **changes)
    assert Buyer().pay(checkout.url, card).status == 303
    found = client.retrieve_checkout_session(checkout.session_id).payment_intent_id
    assert found is not None
    return found
