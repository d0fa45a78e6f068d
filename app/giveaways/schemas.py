"""Schemas of giveaways."""

from dataclasses import dataclass
from typing import Any, Final

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, Id, Schema, Text, Timestamp, WholeNumber, serializes
from app.common.pagination import page_of
from app.giveaways.models import Giveaway, GiveawayKind, GiveawayStatus
from app.giveaways.service import GiveawayClaim, GiveawayOffer
from app.orders.models import OrderStatus

#: Users who can claim a unit with one link.
MAX_CLAIMS: Final = 100_000


class CreateGiveawayIn(Schema):
    product_id = Id(required=True, metadata={"example": EXAMPLE_ID})
    name = Text(
        required=True,
        max_length=200,
        metadata={"description": "Why it is given away", "example": "Conference 2026"},
    )
    kind = Choice(
        GiveawayKind,
        required=True,
        metadata={
            "description": "BATCH: codes or licence keys for you to hand on, taken from the stock;"
            " LINK: each user who has the link can claim one unit",
            "example": "LINK",
        },
    )
    units = WholeNumber(
        required=True,
        minimum=1,
        maximum=MAX_CLAIMS,
        metadata={
            "description": "Size of the batch, up to 1,000; or how many users can claim one",
            "example": 50,
        },
    )
    expires_at = Timestamp(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Until when a link can be used; null for no end",
            "example": "2036-12-31T23:59:59Z",
        },
    )


class GiveawayOut(Schema):
    """Units of a product that a merchant gives away."""

    id = ma.fields.UUID(required=True)
    product_id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, metadata={"example": "Conference 2026"})
    kind = Choice(GiveawayKind, required=True, metadata={"example": "LINK"})
    status = Choice(
        GiveawayStatus,
        required=True,
        metadata={
            "description": "USED_UP: all units have been given away; CLOSED: by its merchant",
            "example": "OPEN",
        },
    )
    units = ma.fields.Integer(
        required=True, metadata={"description": "Units given away so far", "example": 12}
    )
    max_units = ma.fields.Integer(
        required=True, metadata={"description": "Units to be given away in all", "example": 50}
    )
    token = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Secret part of the link; null for a batch",
            "example": "5pV0Yb2oRFWn3TqKcXJ8Zw",
        },
    )
    link = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Address of the page on which users claim a unit; null for a batch",
            "example": "https://pay.example.com/giveaways/5pV0Yb2oRFWn3TqKcXJ8Zw",
        },
    )
    expires_at = Timestamp(required=True, allow_none=True)
    closed_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)


GiveawayList = page_of(GiveawayOut)


class GiveawayClaimOut(Schema):
    """What was given to a user, or the batch that the merchant has taken."""

    order_id = ma.fields.UUID(required=True)
    order_number = ma.fields.String(required=True)
    user_id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True, allow_none=True)
    units = ma.fields.Integer(required=True, metadata={"description": "Units", "example": 1})
    status = Choice(
        OrderStatus,
        required=True,
        metadata={"description": "State of the order", "example": "COMPLETED"},
    )
    created_at = Timestamp(required=True)


GiveawayClaimList = page_of(GiveawayClaimOut)


class GiveawayOfferOut(Schema):
    """A giveaway as the holder of its link sees it."""

    name = ma.fields.String(required=True, metadata={"example": "Conference 2026"})
    status = Choice(
        GiveawayStatus,
        required=True,
        metadata={"description": "It can be claimed while it is OPEN", "example": "OPEN"},
    )
    product_id = ma.fields.UUID(required=True)
    product_name = ma.fields.String(required=True, metadata={"example": "Field Guide Pro"})
    merchant_id = ma.fields.UUID(required=True)
    expires_at = Timestamp(required=True, allow_none=True)


@dataclass(frozen=True, slots=True)
class LinkedGiveaway:
    """A giveaway with its link, None for a batch."""

    giveaway: Giveaway
    link: str | None


@serializes(GiveawayOut)
def giveaway_out(linked: LinkedGiveaway) -> dict[str, Any]:
    """Serialized as GiveawayOut."""
    giveaway = linked.giveaway
    return {
        "id": giveaway.id,
        "productId": giveaway.product_id,
        "name": giveaway.name,
        "kind": giveaway.kind,
        "status": giveaway.status.value,
        "units": giveaway.units,
        "maxUnits": giveaway.max_units,
        "token": giveaway.token,
        "link": linked.link,
        "expiresAt": format_timestamp(giveaway.expires_at),
        "closedAt": format_timestamp(giveaway.closed_at),
        "createdAt": format_timestamp(giveaway.created_at),
    }


@serializes(GiveawayClaimOut)
def claim_out(claim: GiveawayClaim) -> dict[str, Any]:
    """Serialized as GiveawayClaimOut."""
    order = claim.order
    return {
        "orderId": order.id,
        "orderNumber": order.number,
        "userId": order.user_id,
        "email": claim.recipient.email,
        "units": order.quantity,
        "status": order.status,
        "createdAt": format_timestamp(order.created_at),
    }


@serializes(GiveawayOfferOut)
def offer_out(offer: GiveawayOffer) -> dict[str, Any]:
    """Serialized as GiveawayOfferOut."""
    return {
        "name": offer.giveaway.name,
        "status": offer.giveaway.status.value,
        "productId": offer.giveaway.product_id,
        "productName": offer.product.name,
        "merchantId": offer.giveaway.merchant_id,
        "expiresAt": format_timestamp(offer.giveaway.expires_at),
    }
