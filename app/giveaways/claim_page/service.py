"""The content of the page that claims a giveaway."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.auth.masking import public_name
from app.giveaways import service
from app.giveaways.errors import GiveawayEnded
from app.giveaways.models import GiveawayStatus
from app.images.service import ShownImage
from app.products import service as products
from app.shops import logos


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """What the page shows. giver: the public name; support, logo, zone: of the shop; ended: why it
    can no longer be claimed, None if it can."""

    name: str
    product: str
    giver: str
    support: str | None
    image: ShownImage | None
    logo: ShownImage | None
    zone: ZoneInfo
    expires_at: datetime | None
    ended: str | None


def require_claim_page(session: Session, token: str) -> ClaimPage:
    """The page of the link with this token. Raises GiveawayNotFound."""
    offer = service.require_offer(session, token=token)
    giveaway, product, merchant = offer.giveaway, offer.product, offer.merchant
    ended = None
    if giveaway.status != GiveawayStatus.OPEN:
        ended = f"{GiveawayEnded(giveaway.status.value).text}."
    elif not (product.is_active and merchant.is_active):
        ended = "This product is no longer given away."
    elif product.available_units == 0:
        ended = "Nothing is left of this product at the moment."
    return ClaimPage(
        name=giveaway.name,
        product=product.name,
        giver=public_name(merchant),
        support=merchant.support_email,
        image=products.get_main_image(session, product.id),
        logo=logos.get_logo(session, merchant),
        zone=ZoneInfo(merchant.time_zone),
        expires_at=giveaway.expires_at,
        ended=ended,
    )
