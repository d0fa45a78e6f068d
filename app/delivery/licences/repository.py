"""SQL of licences, their terms and their activations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row
from app.delivery.handler import ORDERS
from app.delivery.licences.models import Licence, LicenceActivation, LicenceTerms
from app.products.models import Product

_INSERT = BulkInsert(
    Licence,
    omit=("activations", "revoked_at"),
    computed={
        "activation_limit": "CASE WHEN terms.product_id IS NULL THEN %(default_limit)s"
        " ELSE terms.activation_limit END",
        "expires_at": "CAST(%(now)s AS timestamptz)"
        " + make_interval(days => CAST(terms.valid_days AS integer))",
        "created_at": "%(now)s",
    },
    tail="LEFT JOIN licence_terms AS terms ON terms.product_id = new.product_id",
)


def insert_licences(
    session: Session, rows: Iterable[object], *, default_limit: int, now: datetime
) -> None:
    """Insert licences on the terms of their products.

    rows: with id, order_id, product_id, fingerprint and encrypted. default_limit: of activations,
    for products without terms.
    """
    _INSERT.execute(session, rows, default_limit=default_limit, now=now)


def get_terms(session: Session, product_id: UUID) -> LicenceTerms | None:
    return session.get(LicenceTerms, product_id)


def save_terms(session: Session, **values: Any) -> LicenceTerms:
    terms = session.merge(LicenceTerms(**values))
    session.flush()
    return terms


def _by_key(fingerprints: Sequence[bytes]) -> Select[Licence, str]:
    return (
        select(Licence, Product.name)
        .join(Product, Product.id == Licence.product_id)
        .where(Licence.fingerprint.in_(fingerprints))
    )


def get_licence(session: Session, fingerprints: Sequence[bytes]) -> Any | None:
    """The licence with one of these fingerprints, and the name of its product."""
    return session.execute(_by_key(fingerprints)).one_or_none()


def get_licence_for_update(session: Session, fingerprints: Sequence[bytes]) -> Any | None:
    """As `get_licence`, and lock it."""
    query = _by_key(fingerprints).with_for_update(key_share=True, of=Licence)
    return session.execute(query, execution_options={"populate_existing": True}).one_or_none()


def get_activation(
    session: Session, *, licence_id: UUID, instance: str
) -> LicenceActivation | None:
    """The current activation on that machine."""
    return session.scalar(
        select(LicenceActivation).where(
            LicenceActivation.licence_id == licence_id,
            LicenceActivation.instance == instance,
            LicenceActivation.deactivated_at.is_(None),
        )
    )


def insert_activation(session: Session, **values: Any) -> LicenceActivation:
    return insert_row(session, LicenceActivation(**values))


def list_licences_of_order(session: Session, order_id: UUID) -> Sequence[Licence]:
    """In the order of creation."""
    return session.scalars(
        select(Licence).where(Licence.order_id == order_id).order_by(Licence.id)
    ).all()


def revoke_licences(
    session: Session, *, order_id: UUID, units: int, now: datetime
) -> Sequence[UUID]:
    """Revoke the newest licences of an order. Returns their ids."""
    newest = (
        select(Licence.id)
        .where(Licence.order_id == order_id, Licence.revoked_at.is_(None))
        .order_by(Licence.id.desc())
        .limit(units)
        .with_for_update(key_share=True)
    )
    ids = session.scalars(newest).all()
    session.execute(
        update(Licence)
        .where(Licence.id.in_(ids))
        .values(revoked_at=func.greatest(now, Licence.created_at))
    )
    return ids


def list_licences(session: Session, page: PageRequest, *, product_id: UUID) -> Page[Any]:
    """Licences of the product, each with the number of its order, newest first."""
    wanted = Licence.product_id == product_id
    return paginate(
        session,
        page,
        select(Licence, ORDERS.c.number)
        .join(ORDERS, ORDERS.c.id == Licence.order_id)
        .where(wanted),
        Licence.id,
        count=select(Licence.id).where(wanted),
    )
