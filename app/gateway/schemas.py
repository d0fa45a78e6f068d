"""Schemas of webhooks: the envelope of Stripe's events."""

import marshmallow as ma
from marshmallow.validate import Length, Regexp

from app.common.examples import EXAMPLE_ID
from app.gateway.types import GatewayEventType


class _EventSchema(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE  # Stripe sends more fields, and adds new ones


_SESSION = {
    "id": "cs_test_a1b2c3",
    "object": "checkout.session",
    "status": "complete",
    "payment_status": "paid",
    "payment_intent": "pi_3a1b2c3",
    "amount_total": 2500,
    "currency": "usd",
    "client_reference_id": EXAMPLE_ID,
    "expires_at": 1795253400,
}


class StripeEventDataIn(_EventSchema):
    object = ma.fields.Dict(
        required=True,
        metadata={
            "description": "The object of the event, as it was when the event occurred",
            "example": _SESSION,
        },
    )


class StripeEventIn(_EventSchema):
    id = ma.fields.String(
        required=True,
        validate=Regexp(r"[A-Za-z0-9_]{1,255}\Z"),
        metadata={"description": "The same in every delivery", "example": "evt_3a1b2c3"},
    )
    type = ma.fields.String(
        required=True,
        validate=Length(1, 255),
        metadata={"example": GatewayEventType.CHECKOUT_COMPLETED.value},
    )
    livemode = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether real money is involved", "example": False},
    )
    data = ma.fields.Nested(
        StripeEventDataIn, required=True, metadata={"example": {"object": _SESSION}}
    )


class StripeEventReceiptOut(ma.Schema):
    received = ma.fields.Boolean(required=True, metadata={"example": True})
