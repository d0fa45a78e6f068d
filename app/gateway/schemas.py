"""Shapes of webhooks: of Stripe's events, what they have in common."""

import marshmallow as ma
from marshmallow.validate import Length, Regexp

from app.gateway.terms import CHECKOUT_COMPLETED


class _EventSchema(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE  # Stripe says more, and will say more yet


_ABOUT = {
    "id": "cs_test_a1b2c3",
    "object": "checkout.session",
    "status": "complete",
    "payment_status": "paid",
    "payment_intent": "pi_3a1b2c3",
    "amount_total": 2500,
    "currency": "usd",
    "client_reference_id": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11",
    "expires_at": 1795253400,
}


class StripeEventDataIn(_EventSchema):
    object = ma.fields.Dict(
        required=True,
        metadata={
            "description": "What the event is about, as it was at that moment",
            "example": _ABOUT,
        },
    )


class StripeEventIn(_EventSchema):
    id = ma.fields.String(
        required=True,
        validate=Regexp(r"[A-Za-z0-9_]{1,255}\Z"),
        metadata={"description": "The same in every repetition", "example": "evt_3a1b2c3"},
    )
    type = ma.fields.String(
        required=True, validate=Length(1, 255), metadata={"example": CHECKOUT_COMPLETED}
    )
    livemode = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether real money has moved", "example": False},
    )
    data = ma.fields.Nested(
        StripeEventDataIn, required=True, metadata={"example": {"object": _ABOUT}}
    )


class StripeEventReceiptOut(ma.Schema):
    received = ma.fields.Boolean(required=True, metadata={"example": True})
