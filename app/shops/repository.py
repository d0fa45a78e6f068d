"""SQL of shops."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.rows import insert_row, lock_row
from app.shops.models import ShopLogo


def insert_logo(session: Session, **values: Any) -> None:
    insert_row(session, ShopLogo(**values))


def get_logo(session: Session, merchant_id: UUID) -> ShopLogo | None:
    return session.get(ShopLogo, merchant_id)


def get_logo_for_update(session: Session, merchant_id: UUID) -> ShopLogo | None:
    return lock_row(session, ShopLogo, merchant_id)


def delete_logo(session: Session, logo: ShopLogo) -> None:
    session.delete(logo)
    session.flush()
