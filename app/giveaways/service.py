"""Giveaways: a batch of codes for the merchant to hand on, or a link that users claim one with.

What is given away is an order that costs nothing, so it is delivered, revoked and counted towards
purchase limits as any other. It is no sale, and moves no money.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth.models import User
from app.common import clock
from app.common.errors import BadRequest
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.events import service as events
from app.events.catalogue.orders import GiveawayClosed, GiveawayCreated
from app.giveaways import repository
from app.giveaways.errors import (
    GiveawayAlreadyClaimed,
    GiveawayEnded,
    GiveawayHasNoFile,
    GiveawayNotFound,
    GiveawaySoldOut,
    ProductNotExportable,
)
from app.giveaways.models import Giveaway, GiveawayKind, GiveawayStatus
from app.ledger_lock.service import acquire_ledger_lock
from app.orders.errors import CannotBuyOwnProduct
from app.orders.models import Order, OrderStatus
from app.orders.purchases.giving import give
from app.orders.purchases.service import OrderDetails
from app.products import service as products
from app.products.errors import ProductInactive, ProductOutOfStock
from app.products.models import Product

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class GiveawayOffer:
    """A giveaway as the holder of its link sees it."""

    giveaway: Giveaway
    product: Product
    merchant: User


@dataclass(frozen=True, slots=True)
class GiveawayClaim:
    """An order of a giveaway, and who received it."""

    order: Order
    recipient: User


@dataclass(frozen=True, slots=True)
class CodeFile:
    """Codes of a batch. column: what they are."""

    column: str
    codes: Sequence[str]


def create(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    name: str,
    kind: str,
    units: int,
    expires_at: datetime | None = None,
) -> Giveaway:
    """Take a BATCH of so many units from the stock, or create a LINK with which so many users can
    claim one each.

    Raises ProductNotFound, UnauthorizedProductAccess, ProductInactive, ProductNotExportable,
    GiveawaySoldOut, QuantityTooLarge, and BadRequest for an expiry that has passed.
    """
    now = clock.now()
    if expires_at is not None and expires_at <= now:
        raise BadRequest(details={"expiresAt": ["Must be in the future."]})
    acquire_ledger_lock(session)  # a batch of purchases would fail otherwise
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    if not (product.is_active and product.is_ready):
        raise ProductInactive
    is_batch = kind == GiveawayKind.BATCH
    if is_batch and delivery.code_column(product.kind) is None:
        raise ProductNotExportable
    giveaway = repository.insert_giveaway(
        session,
        id=new_id(),
        merchant_id=merchant.id,
        product_id=product_id,
        name=name,
        kind=kind,
        max_units=units,
        units=0,
        token=None if is_batch else secrets.token_urlsafe(16),
        expires_at=expires_at,
        created_at=now,
    )
    if is_batch:
        _give(session, giveaway, recipient=merchant, quantity=units)
    _record(session, merchant, "giveaway.create", giveaway)
    events.record(session, [GiveawayCreated.of(giveaway)])
    return giveaway


def claim(session: Session, *, user: User, token: str) -> OrderDetails:
    """Give a unit to the user, once, by the token of a link.

    Raises GiveawayNotFound, GiveawayEnded, GiveawayAlreadyClaimed, GiveawaySoldOut,
    CannotBuyOwnProduct, ProductNotFound, ProductInactive, PurchaseLimitReached.
    """
    acquire_ledger_lock(session)
    giveaway = repository.get_by_token_for_update(session, token) if _may_be(token) else None
    if giveaway is None:
        raise GiveawayNotFound
    if giveaway.merchant_id == user.id:
        raise CannotBuyOwnProduct
    order_id = repository.get_order_id(session, giveaway_id=giveaway.id, user_id=user.id)
    if order_id is not None:
        raise GiveawayAlreadyClaimed(order_id=order_id)
    if giveaway.status != GiveawayStatus.OPEN:
        raise GiveawayEnded(giveaway.status.value)
    return _give(session, giveaway, recipient=user, quantity=1)


def _give(session: Session, giveaway: Giveaway, *, recipient: User, quantity: int) -> OrderDetails:
    try:
        given = give(
            session,
            recipient=recipient,
            product_id=giveaway.product_id,
            quantity=quantity,
            giveaway_id=giveaway.id,
        )
    except ProductOutOfStock as error:
        raise GiveawaySoldOut(**error.details) from error
    giveaway.units += quantity
    session.flush()
    return given


def close(session: Session, *, merchant: User, giveaway_id: UUID) -> Giveaway:
    """End a giveaway for good. What was claimed stays with its recipients.

    Has no effect if it is closed. Raises GiveawayNotFound.
    """
    giveaway = _require(session, merchant, giveaway_id, lock=True)
    if giveaway.closed_at is None:
        giveaway.closed_at = clock.now()
        _record(session, merchant, "giveaway.close", giveaway)
        events.record(session, [GiveawayClosed.of(giveaway)])
    return giveaway


def _record(session: Session, merchant: User, action: str, giveaway: Giveaway) -> None:
    audit.record(
        session,
        actor_id=merchant.id,
        action=action,
        target=("giveaway", giveaway.id),
        details={
            "name": giveaway.name,
            "productId": str(giveaway.product_id),
            "kind": giveaway.kind,
            "units": giveaway.units,
            "maxUnits": giveaway.max_units,
        },
    )


def require_giveaway(session: Session, *, merchant: User, giveaway_id: UUID) -> Giveaway:
    """The merchant's giveaway. Raises GiveawayNotFound."""
    return _require(session, merchant, giveaway_id)


def _require(
    session: Session, merchant: User, giveaway_id: UUID, *, lock: bool = False
) -> Giveaway:
    giveaway = repository.get_giveaway(
        session, giveaway_id=giveaway_id, merchant_id=merchant.id, lock=lock
    )
    if giveaway is None:
        raise GiveawayNotFound
    return giveaway


def list_giveaways(session: Session, page: PageRequest, *, merchant: User) -> Page[Giveaway]:
    """The merchant's giveaways, newest first."""
    return repository.list_giveaways(session, page, merchant_id=merchant.id)


def list_claims(
    session: Session, page: PageRequest, *, merchant: User, giveaway_id: UUID
) -> Page[GiveawayClaim]:
    """What was given of the merchant's giveaway, newest first. Raises GiveawayNotFound."""
    _require(session, merchant, giveaway_id)
    found = repository.list_claims(session, page, giveaway_id=giveaway_id)
    return found.with_data(GiveawayClaim(*row) for row in found.data)


def require_file(session: Session, *, merchant: User, giveaway_id: UUID) -> CodeFile:
    """The codes of the merchant's batch, always the same ones, without those that were revoked.

    From then on a refund puts none of them on sale again.
    Raises GiveawayNotFound, GiveawayHasNoFile.
    """
    giveaway = _require(session, merchant, giveaway_id)
    if giveaway.kind != GiveawayKind.BATCH:
        raise GiveawayHasNoFile
    order, kind = repository.get_batch(session, giveaway.id)
    column = delivery.code_column(kind)
    if column is None:
        raise GiveawayHasNoFile
    if order.status != OrderStatus.COMPLETED:
        return CodeFile(column, ())
    units = order.quantity - order.refunded_units
    line = OrderLine.of(order, kind=kind, quantity=units)
    return CodeFile(column, delivery.list_codes(session, line))


def require_offer(session: Session, *, token: str) -> GiveawayOffer:
    """What a link gives away, also when it has ended. Raises GiveawayNotFound."""
    row = repository.get_offer_by_token(session, token) if _may_be(token) else None
    if row is None:
        raise GiveawayNotFound
    return GiveawayOffer(*row)


def _may_be(token: str) -> bool:
    return _TOKEN.fullmatch(token) is not None
