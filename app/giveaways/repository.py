"""SQL of giveaways."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row
from app.giveaways.models import Giveaway
from app.orders.models import Order
from app.products.models import Product


def insert_giveaway(session: Session, **values: Any) -> Giveaway:
    return insert_row(session, Giveaway(**values))


def get_giveaway(
    session: Session, *, giveaway_id: UUID, merchant_id: UUID, lock: bool = False
) -> Giveaway | None:
    """The merchant's giveaway. lock: lock it."""
    query = select(Giveaway).where(Giveaway.id == giveaway_id, Giveaway.merchant_id == merchant_id)
    if lock:
        query = query.with_for_update(key_share=True)
    return session.scalar(query, execution_options={"populate_existing": True})


def get_by_token_for_update(session: Session, token: str) -> Giveaway | None:
    query = select(Giveaway).where(Giveaway.token == token).with_for_update(key_share=True)
    return session.scalar(query, execution_options={"populate_existing": True})


def get_offer_by_token(session: Session, token: str) -> Any | None:
    """The Giveaway of a link, its product and its merchant."""
    return session.execute(
        select(Giveaway, Product, User)
        .join(Product, Product.id == Giveaway.product_id)
        .join(User, User.id == Giveaway.merchant_id)
        .where(Giveaway.token == token)
    ).one_or_none()


def list_giveaways(session: Session, page: PageRequest, *, merchant_id: UUID) -> Page[Giveaway]:
    """The merchant's giveaways, newest first."""
    query = select(Giveaway).where(Giveaway.merchant_id == merchant_id)
    return paginate(session, page, query, Giveaway.id)


def get_order_id(session: Session, *, giveaway_id: UUID, user_id: UUID) -> UUID | None:
    """The order by which the user has received something of the giveaway."""
    return session.scalar(
        select(Order.id).where(Order.giveaway_id == giveaway_id, Order.user_id == user_id)
    )


def get_batch(session: Session, giveaway_id: UUID) -> Any:
    """The Order of a batch, and the `kind` of its product."""
    return session.execute(
        select(Order, Product.kind)
        .join(Product, Product.id == Order.product_id)
        .where(Order.giveaway_id == giveaway_id)
        .with_for_update(of=Order, key_share=True)
    ).one()


def list_claims(session: Session, page: PageRequest, *, giveaway_id: UUID) -> Page[Any]:
    """Orders of the giveaway, each with its User, newest first."""
    query = (
        select(Order, User)
        .join(User, User.id == Order.user_id)
        .where(Order.giveaway_id == giveaway_id)
    )
    counted = select(Order.id).where(Order.giveaway_id == giveaway_id)
    return paginate(session, page, query, Order.id, count=counted)
