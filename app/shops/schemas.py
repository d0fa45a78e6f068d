"""Schemas of shops."""

from typing import Any, Final

import marshmallow as ma

from app.auth.masking import public_name
from app.auth.models import User
from app.auth.profile import Profile, verified_since
from app.auth.schemas import Email
from app.common.clock import format_timestamp
from app.common.fields import Flag, Schema, Text, Timestamp, WholeNumber, serializes
from app.common.time_zone import TimeZone
from app.images.schemas import ImageOut, image_out
from app.images.service import ShownImage

_NAME: Final = {
    "description": "Name under which the merchant sells, shown to everyone. null: the merchant's"
    " first name and the initial of the last name are shown",
    "example": "Corner Bakery",
}
_SUPPORT: Final = {
    "description": "Where buyers get help, shown to everyone",
    "example": "help@bakery.example.com",
}
_ZONE: Final = {
    "description": "Default time zone of the merchant's reports",
    "example": "Asia/Kolkata",
}
_LOW_STOCK: Final = {
    "description": "The merchant is notified when so few units of a product are left; 0: never",
    "example": 5,
}
_GOODS: Final = {
    "description": "Whether the mail about a purchase contains the codes and licence keys, or only"
    " the address of the order's page, which shows them",
    "example": True,
}
_LOGO: Final = {"description": "Logo of the shop; its `alt` is the public name"}


class PublicName(ma.fields.String):
    """What others see of the name of a user."""

    _CHECK_ATTRIBUTE = False

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return public_name(obj)


class UpdateShopIn(Schema):
    name = Text(max_length=80, allow_none=True, attribute="shop_name", metadata=_NAME)
    # A printed code has room for so much.
    support_email = Email(allow_none=True, validate=ma.validate.Length(max=100), metadata=_SUPPORT)
    time_zone = TimeZone(metadata=_ZONE)
    low_stock_units = WholeNumber(minimum=0, maximum=1_000_000, metadata=_LOW_STOCK)
    goods_in_mail = Flag(metadata=_GOODS)


class ShopOut(Schema):
    """The profile as its merchant sees it."""

    id = ma.fields.UUID(required=True, metadata={"description": "ID of the merchant"})
    name = ma.fields.String(required=True, allow_none=True, attribute="shop_name", metadata=_NAME)
    public_name = PublicName(
        required=True,
        metadata={
            "description": "What others see: `name`, or what is shown without one",
            "example": "Corner Bakery",
        },
    )
    support_email = ma.fields.String(required=True, allow_none=True, metadata=_SUPPORT)
    time_zone = ma.fields.String(required=True, metadata=_ZONE)
    low_stock_units = ma.fields.Integer(required=True, metadata=_LOW_STOCK)
    goods_in_mail = ma.fields.Boolean(required=True, metadata=_GOODS)
    logo = ma.fields.Nested(ImageOut, required=True, allow_none=True, metadata=_LOGO)


class PartyOut(Schema):
    """A user as others see them."""

    id = ma.fields.UUID(required=True)
    name = PublicName(
        required=True,
        metadata={
            "description": "Name of the shop; of a person, the first name and the initial of the"
            " last name",
            "example": "Corner Bakery",
        },
    )
    support_email = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where buyers of a shop get help", "example": _SUPPORT["example"]},
    )


class PublicShopOut(PartyOut):
    """A shop as everyone sees it."""

    logo = ma.fields.Nested(ImageOut, required=True, allow_none=True, metadata=_LOGO)


class PayeeOut(PartyOut):
    """A party without the ID, for anyone with the link."""

    class Meta:
        exclude = ("id",)


class VerifiedPayeeOut(PayeeOut):
    """A payee, for those who are about to pay."""

    verified = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether the payee has a verified email address or phone number"},
    )
    verified_since = Timestamp(required=True, allow_none=True)


@serializes(PartyOut)
def party_out(user: User | Profile) -> dict[str, Any]:
    return {"id": user.id, **payee_out(user)}


@serializes(PayeeOut)
def payee_out(user: User | Profile) -> dict[str, Any]:
    return {"name": public_name(user), "supportEmail": user.support_email}


@serializes(VerifiedPayeeOut)
def verified_payee_out(user: User | Profile) -> dict[str, Any]:
    since = verified_since(user)
    return payee_out(user) | {
        "verified": since is not None,
        "verifiedSince": format_timestamp(since),
    }


@serializes(ShopOut)
def shop_out(merchant: User, logo: ShownImage | None, *, base_url: str) -> dict[str, Any]:
    """Serialized as ShopOut. base_url: of the API."""
    return {
        "id": merchant.id,
        "name": merchant.shop_name,
        "publicName": public_name(merchant),
        "supportEmail": merchant.support_email,
        "timeZone": merchant.time_zone,
        "lowStockUnits": merchant.low_stock_units,
        "goodsInMail": merchant.goods_in_mail,
        "logo": logo and image_out(logo, base_url=base_url),
    }


@serializes(PublicShopOut)
def public_shop_out(merchant: User, logo: ShownImage | None, *, base_url: str) -> dict[str, Any]:
    """Serialized as PublicShopOut. base_url: of the API."""
    return party_out(merchant) | {"logo": logo and image_out(logo, base_url=base_url)}
