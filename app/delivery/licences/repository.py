"""SQL of licences, their terms and their activations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.service import fold_email
from app.common.bulk import BulkInsert
from app.common.driver import send
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_due, lock_row
from app.delivery.licences.models import Licence, LicenceActivation, LicenceTerms
from app.delivery.repository import ORDERS
from app.products.models import Product

_INSERT = BulkInsert(
    Licence,
    omit=(
        "activations",
        "limit_reached_at",
        "revoked_at",
        "revocation_reason",
        "is_withdrawn",
        "replaced_by",
    ),
    computed={
        "activation_limit": "CASE WHEN terms.product_id IS NULL THEN %(default_limit)s"
        " ELSE terms.activation_limit END",
        "activations_per_30_days": "CASE WHEN terms.product_id IS NULL"
        " THEN %(default_per_30_days)s ELSE terms.activations_per_30_days END",
        "expires_at": "CAST(%(now)s AS timestamptz)"
        " + make_interval(days => CAST(terms.valid_days AS integer))",
        "created_at": "%(now)s",
    },
    tail="LEFT JOIN licence_terms AS terms ON terms.product_id = new.product_id",
)

# A licence that is active on more machines than the terms allow keeps them. The pair is compared so
# that PostgreSQL cannot choose to look through the licences of other products.
_APPLY_TERMS = """
    WITH terms AS MATERIALIZED (
        SELECT * FROM licence_terms WHERE product_id = %(product_id)s
    ), batch AS MATERIALIZED (
        SELECT id FROM licences
        WHERE (product_id, id) > (%(product_id)s, (SELECT applying_after FROM terms))
            AND (product_id, id) <= (%(product_id)s, %(max_id)s)
        ORDER BY product_id, id LIMIT %(limit)s
    ), due AS (
        SELECT batch.id, terms.activation_limit, terms.activations_per_30_days,
            make_interval(days => CAST(terms.valid_days AS integer)) AS validity
        FROM batch CROSS JOIN terms
    ), changed AS (
        UPDATE licences AS l
        SET activation_limit = CASE WHEN due.activation_limit IS NOT NULL
                THEN greatest(due.activation_limit, l.activations) END,
            activations_per_30_days = due.activations_per_30_days,
            expires_at = l.created_at + due.validity
        FROM due
        WHERE l.id = due.id AND l.revoked_at IS NULL AND (
            (CASE WHEN due.activation_limit IS NOT NULL
                THEN greatest(due.activation_limit, l.activations) END,
                due.activations_per_30_days, l.created_at + due.validity)
            IS DISTINCT FROM (l.activation_limit, l.activations_per_30_days, l.expires_at))
        RETURNING 1
    )
    SELECT (SELECT id FROM batch ORDER BY id DESC LIMIT 1) AS last_id,
        (SELECT count(*) FROM changed) AS changed
"""

_MAX_ID: Final = UUID(int=2**128 - 1)
#: Who sold and who bought. The rest of an order is the business of app.orders.


def insert_licences(
    session: Session,
    rows: Iterable[object],
    *,
    default_limit: int,
    default_per_30_days: int,
    now: datetime,
) -> None:
    """Insert licences on the terms of their products.

    rows: with id, order_id, product_id, fingerprint and encrypted. default_limit and
    default_per_30_days: of activations, for products without terms.
    """
    _INSERT.execute(
        session,
        rows,
        default_limit=default_limit,
        default_per_30_days=default_per_30_days,
        now=now,
    )


def insert_licence(session: Session, **values: Any) -> Licence:
    """Insert a licence on terms of its own."""
    return insert_row(session, Licence(**values))


def get_terms(session: Session, product_id: UUID) -> LicenceTerms | None:
    return session.get(LicenceTerms, product_id)


def get_terms_for_update(session: Session, product_id: UUID) -> LicenceTerms | None:
    return lock_row(session, LicenceTerms, product_id)


def insert_terms(session: Session, terms: LicenceTerms) -> LicenceTerms:
    return insert_row(session, terms)


def apply_terms(session: Session, *, product_id: UUID, limit: int) -> Any:
    """Apply the locked terms of a product to its next `limit` licences.

    Returns `last_id`, None if there was none left, and how many were `changed`.
    """
    return send(
        session, _APPLY_TERMS, {"product_id": product_id, "limit": limit, "max_id": _MAX_ID}
    ).fetchone()


def require_merchant_id(session: Session, *, product_id: UUID) -> UUID:
    """The merchant of a product that exists."""
    query = select(Product.merchant_id).where(Product.id == product_id)
    return session.execute(query).scalar_one()


def lock_stalled_terms(session: Session, *, before: datetime, limit: int) -> Sequence[LicenceTerms]:
    """Terms whose last step of being applied was before then."""
    return lock_due(
        session,
        LicenceTerms.applied_at,
        LicenceTerms.applying_after.is_not(None),
        now=before,
        limit=limit,
    )


def _by_key(fingerprints: Sequence[bytes]) -> Select[Licence, str, UUID]:
    return (
        select(Licence, Product.name, Product.merchant_id)
        .join(Product, Product.id == Licence.product_id)
        .where(Licence.fingerprint.in_(fingerprints))
    )


def get_licence(session: Session, fingerprints: Sequence[bytes]) -> Any | None:
    """The licence with one of these fingerprints, and the name and the merchant of its product."""
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


def get_full_period_start(
    session: Session, *, licence_id: UUID, activations: int
) -> datetime | None:
    """The time of the earliest of the last so many counted activations, None if there are fewer."""
    last = (
        select(LicenceActivation.activated_at)
        .where(LicenceActivation.licence_id == licence_id, LicenceActivation.is_counted)
        .order_by(LicenceActivation.id.desc())
        .limit(activations)
        .subquery()
    )
    count, first = session.execute(select(func.count(), func.min(last.c.activated_at))).one()
    return first if count == activations else None


def mark_seen(session: Session, activation_id: UUID, *, now: datetime) -> None:
    session.execute(
        update(LicenceActivation)
        .where(LicenceActivation.id == activation_id)
        .values(seen_at=func.greatest(now, LicenceActivation.activated_at))
    )


def list_activations(
    session: Session, page: PageRequest, *, licence_id: UUID, include_past: bool
) -> Page[LicenceActivation]:
    """Activations of the licence, newest first."""
    query = select(LicenceActivation).where(LicenceActivation.licence_id == licence_id)
    if not include_past:
        query = query.where(LicenceActivation.deactivated_at.is_(None))
    return paginate(session, page, query, LicenceActivation.id)


def get_current_activation(
    session: Session, *, licence_id: UUID, activation_id: UUID
) -> LicenceActivation | None:
    """The activation, unless it has ended."""
    return session.scalar(
        select(LicenceActivation).where(
            LicenceActivation.id == activation_id,
            LicenceActivation.licence_id == licence_id,
            LicenceActivation.deactivated_at.is_(None),
        )
    )


def get_licence_of(
    session: Session, *, licence_id: UUID, user_id: UUID, lock: bool = False
) -> Any | None:
    """The Licence and the `merchant_id` of its order, if the user bought or sold it.

    lock: lock the licence.
    """
    query = (
        select(Licence, ORDERS.c.merchant_id)
        .join(ORDERS, ORDERS.c.id == Licence.order_id)
        .where(
            Licence.id == licence_id,
            or_(ORDERS.c.user_id == user_id, ORDERS.c.merchant_id == user_id),
        )
    )
    if lock:
        query = query.with_for_update(key_share=True, of=Licence)
    return session.execute(query, execution_options={"populate_existing": True}).one_or_none()


def get_sold_for_update(session: Session, *, product_id: UUID, licence_id: UUID) -> Licence | None:
    """Lock a licence of the product."""
    query = select(Licence).where(Licence.id == licence_id, Licence.product_id == product_id)
    return session.scalar(
        query.with_for_update(key_share=True), execution_options={"populate_existing": True}
    )


def insert_activation(session: Session, **values: Any) -> LicenceActivation:
    return insert_row(session, LicenceActivation(**values))


def list_licences_of_order(session: Session, order_id: UUID) -> Sequence[Licence]:
    """In the order of creation."""
    return session.scalars(
        select(Licence).where(Licence.order_id == order_id).order_by(Licence.id)
    ).all()


def lock_refundable(session: Session, *, order_id: UUID, units: int) -> Sequence[Licence]:
    """Lock licences of an order that a refund takes back: withdrawn ones, then the newest."""
    return session.scalars(
        select(Licence)
        .where(
            Licence.order_id == order_id,
            or_(Licence.revoked_at.is_(None), Licence.is_withdrawn),
        )
        .order_by(Licence.is_withdrawn.desc(), Licence.id.desc())
        .limit(units)
        .with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).all()


def revoke_refunded(session: Session, licence_ids: Sequence[UUID], *, now: datetime) -> None:
    """Revoke licences that were refunded, unless they are revoked already."""
    session.execute(
        update(Licence)
        .where(Licence.id.in_(licence_ids))
        .values(
            revoked_at=func.coalesce(Licence.revoked_at, func.greatest(now, Licence.created_at)),
            is_withdrawn=False,
        )
    )


def list_licences(
    session: Session,
    page: PageRequest,
    *,
    product_id: UUID,
    buyer_email: str | None = None,
    order_id: UUID | None = None,
    is_revoked: bool | None = None,
) -> Page[Any]:
    """Licences of the product, each with the number of its order, newest first."""
    wanted = [Licence.product_id == product_id]
    if buyer_email is not None:
        buyer = select(User.id).where(User.email_key == fold_email(buyer_email)).scalar_subquery()
        # Materialized, so that it leads to the licences, and not the other way round.
        bought = (
            select(ORDERS.c.id)
            .where(ORDERS.c.user_id == buyer, ORDERS.c.product_id == product_id)
            .cte("bought")
            .prefix_with("MATERIALIZED")
        )
        wanted.append(Licence.order_id.in_(select(bought.c.id)))
    if order_id is not None:
        wanted.append(Licence.order_id == order_id)
    if is_revoked is not None:
        revoked = Licence.revoked_at
        wanted.append(revoked.is_not(None) if is_revoked else revoked.is_(None))
    return paginate(
        session,
        page,
        select(Licence, ORDERS.c.number)
        .join(ORDERS, ORDERS.c.id == Licence.order_id)
        .where(*wanted),
        Licence.id,
        count=select(Licence.id).where(*wanted),
    )
