"""SQL of sales: orders of a merchant, and totals of orders and refunds.

IDs are ordered by creation time (UUIDv7), so a period is a range of IDs, with a tolerance, whose
exact timestamps are then compared. Rows are compared as `(owner, id)`: only the index with these
leading columns supports that, so PostgreSQL cannot choose to scan the orders of all merchants
instead.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.driver import send
from app.common.ids import first_id
from app.common.pagination import Page, PageRequest, paginate
from app.common.time_range import ANY_TIME, TimeRange
from app.orders.models import Order, OrderStatus
from app.products.models import Product

#: Maximum difference between the time in an ID and the timestamp of its row: the ID is created when
#: a purchase arrives, and clocks of several machines differ.
SLACK: Final = timedelta(hours=1)

_MIN_ID: Final = UUID(int=0)
_MAX_ID: Final = UUID(int=2**128 - 1)

#: Columns of a row of the export.
_EXPORTED: Final = (
    Order.id,
    Order.created_at,
    Order.completed_at,
    Order.status,
    Order.payment_method,
    Order.product_id,
    Product.name.label("product_name"),
    Order.user_id,
    User.email.label("buyer_email"),
    Order.quantity,
    Order.unit_price,
    Order.discount,
    Order.coupon_code,
    Order.amount,
    Order.fee,
    Order.refunded_amount,
    Order.refunded_fee,
    Order.refunded_units,
    Order.currency,
)


def list_sales(session: Session, page: PageRequest, **filters: Any) -> Page[Any]:
    """Orders with product and buyer, newest first. filters: see `_filtered`."""
    below, *_ = page.last_seen(Order.id) or (None,)
    return paginate(
        session,
        page,
        _filtered(_with_names(select(Order, Product, User)), below=below, **filters),
        Order.id,
        count=_filtered(select(Order.id), **filters),
    )


def rows(session: Session, *, limit: int, **filters: Any) -> Sequence[Any]:
    """Rows of the export, newest first. filters: see `_filtered`."""
    query = _filtered(_with_names(select(*_EXPORTED)), **filters)
    return session.execute(query.limit(limit)).all()


def _with_names(query: Any) -> Any:
    return (
        query.select_from(Order)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id)
    )


def _filtered(
    query: Any,
    *,
    merchant_id: UUID,
    product_id: UUID | None = None,
    status: str | None = None,
    within: TimeRange = ANY_TIME,
    below: UUID | None = None,
) -> Any:
    """Orders of the merchant created within that time.

    below: only those with a smaller id.
    """
    owners: dict[Any, Any] = {Order.merchant_id: merchant_id}
    if product_id is not None:
        query = query.where(Order.merchant_id == merchant_id)
        owners = {Order.product_id: product_id}
    if status is not None:
        # As a literal, so that PostgreSQL can use a partial index.
        query = query.where(Order.status == bindparam(None, status, literal_execute=True))
        if product_id is None and status != OrderStatus.COMPLETED:
            owners[Order.status] = status
    if within.since is not None:
        query = query.where(Order.created_at >= within.since)
    if within.until is not None:
        query = query.where(Order.created_at < within.until)
    key = tuple_(*owners, Order.id)
    first, beyond = _ids(within.since, within.until)
    if below is not None:
        beyond = min(beyond, below)
    return query.where(
        key >= tuple_(*owners.values(), first), key < tuple_(*owners.values(), beyond)
    ).order_by(*(column.desc() for column in (*owners, Order.id)))


def _ids(since: datetime | None, until: datetime | None) -> tuple[UUID, UUID]:
    """The first ID of a period, and the first ID after it."""
    return (
        first_id(since, shift=-SLACK) if since is not None else _MIN_ID,
        first_id(until, shift=SLACK) if until is not None else _MAX_ID,
    )


# A wallet purchase is completed when it is created, so its ID has the time (see `verify`);
# a gateway payment may be completed days later.
_SUMMARY = """
    WITH lines AS (
        SELECT completed_at AS occurred_at, product_id, user_id, 1 AS orders, quantity AS units,
            discount, amount AS revenue, fee, 0::bigint AS refunded, 0::bigint AS fee_refunded,
            0::bigint AS units_refunded
        FROM orders
        WHERE {owner_id} AND payment_method = 'WALLET' AND status IN ('COMPLETED', 'REFUNDED')
            AND completed_at >= %(since)s AND completed_at < %(until)s AND currency = %(currency)s
            {of_product}
        UNION ALL
        SELECT completed_at, product_id, user_id, 1, quantity, discount, amount, fee, 0, 0, 0
        FROM orders
        WHERE merchant_id = %(merchant_id)s AND payment_method = 'GATEWAY'
            AND completed_at >= %(since)s AND completed_at < %(until)s
            AND status IN ('COMPLETED', 'REFUNDED') AND currency = %(currency)s {of_product}
        UNION ALL
        SELECT r.created_at, o.product_id, NULL, 0, 0, 0, 0, 0, r.amount, r.fee, r.units
        FROM refunds r JOIN orders o ON o.id = r.order_id
        WHERE (r.merchant_id, r.id) >= (%(merchant_id)s, %(first)s)
            AND (r.merchant_id, r.id) < (%(merchant_id)s, %(beyond)s)
            AND r.created_at >= %(since)s AND r.created_at < %(until)s
            AND r.currency = %(currency)s {of_product}
    ), sums AS (
        SELECT day, product_id, user_id, {sums}
        FROM (SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, lines.* FROM lines) dated
        GROUP BY GROUPING SETS ((day, product_id), (user_id))
    ), parts AS (
        SELECT grouping(day, product_id) AS part, day, product_id, {sums}
        FROM sums WHERE day IS NOT NULL
        GROUP BY GROUPING SETS ((), (day), (product_id))
    )
    SELECT ranked.*, p.name, (SELECT count(*) FROM sums WHERE user_id IS NOT NULL) AS buyers
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY part ORDER BY revenue DESC, units DESC, product_id) AS place
        FROM parts
    ) ranked LEFT JOIN products p ON p.id = ranked.product_id
    WHERE part <> 2 OR (place <= %(best)s AND orders > 0)
    ORDER BY part, day, place
"""

_ADDED = (
    "orders",
    "units",
    "discount",
    "revenue",
    "fee",
    "refunded",
    "fee_refunded",
    "units_refunded",
)
_SUMS = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in _ADDED)
_OF_MERCHANT = _SUMMARY.format(
    owner_id="(merchant_id, id) >= (%(merchant_id)s, %(first)s)"
    " AND (merchant_id, id) < (%(merchant_id)s, %(beyond)s)",
    of_product="",
    sums=_SUMS,
)
_OF_PRODUCT = _SUMMARY.format(
    owner_id="(product_id, id) >= (%(product_id)s, %(first)s)"
    " AND (product_id, id) < (%(product_id)s, %(beyond)s) AND merchant_id = %(merchant_id)s",
    of_product="AND product_id = %(product_id)s",
    sums=_SUMS,
)

#: Values of `part` in the rows of the summary.
DAY, PRODUCT, WHOLE = 1, 2, 3


def summary(
    session: Session,
    *,
    merchant_id: UUID,
    product_id: UUID | None,
    currency: str,
    since: datetime,
    until: datetime,
    best: int,
) -> Iterable[Any]:
    """Totals in minor units: per day in order, of the best products, and overall.

    One statement, so one snapshot. Days without sales or refunds are not included.
    """
    first, beyond = _ids(since, until)
    values = {
        "merchant_id": merchant_id,
        "product_id": product_id,
        "currency": currency,
        "since": since,
        "until": until,
        "first": first,
        "beyond": beyond,
        "best": best,
    }
    return send(session, _OF_MERCHANT if product_id is None else _OF_PRODUCT, values)
