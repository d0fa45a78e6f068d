"""SQL of sales: orders of a merchant, and what they and their refunds come to.

Ids are in the order of creation (UUIDv7), so a period is a run of ids, give or take the slack, of
which the exact moments are then looked at. Rows are compared as `(owner, id)`: only the index that
begins so can serve that, and PostgreSQL cannot be led by its statistics to walk along all orders
of everybody instead.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.db import first_id
from app.common.driver import send
from app.common.pagination import Page, PageRequest, paginate
from app.orders.models import Order, OrderStatus
from app.products.models import Product

#: How far the moment in an id may be from the one that is written beside it: an id is made when a
#: purchase comes in, and clocks of several machines differ.
SLACK: Final = timedelta(hours=1)

_LEAST: Final = UUID(int=0)
_MOST: Final = UUID(int=2**128 - 1)

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


def list_sales(session: Session, page: PageRequest, **which: Any) -> Page[Any]:
    """Orders with product and buyer, newest first. which: see `_sold`."""
    below, *_ = page.last_seen(Order.id) or (None,)
    return paginate(
        session,
        page,
        _sold(_with_names(select(Order, Product, User)), below=below, **which),
        Order.id,
        count=_sold(select(Order.id), **which),
    )


def rows(session: Session, *, limit: int, **which: Any) -> Sequence[Any]:
    """What the export says of them, newest first. which: see `_sold`."""
    query = _sold(_with_names(select(*_EXPORTED)), **which)
    return session.execute(query.limit(limit)).all()


def _with_names(query: Any) -> Any:
    return (
        query.select_from(Order)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id)
    )


def _sold(
    query: Any,
    *,
    merchant_id: UUID,
    product_id: UUID | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    below: UUID | None = None,
) -> Any:
    """Orders of the merchant made from `since`, included, until `until`, left out.

    below: only those with a smaller id.
    """
    owners: dict[Any, Any] = {Order.merchant_id: merchant_id}
    if product_id is not None:
        query = query.where(Order.merchant_id == merchant_id)
        owners = {Order.product_id: product_id}
    if status is not None:
        # Written out, so that PostgreSQL sees that a partial index has all of them.
        query = query.where(Order.status == bindparam(None, status, literal_execute=True))
        if product_id is None and status != OrderStatus.COMPLETED:
            owners[Order.status] = status
    if since is not None:
        query = query.where(Order.created_at >= since)
    if until is not None:
        query = query.where(Order.created_at < until)
    key = tuple_(*owners, Order.id)
    first, beyond = _ids(since, until)
    if below is not None:
        beyond = min(beyond, below)
    return query.where(
        key >= tuple_(*owners.values(), first), key < tuple_(*owners.values(), beyond)
    ).order_by(*(column.desc() for column in (*owners, Order.id)))


def _ids(since: datetime | None, until: datetime | None) -> tuple[UUID, UUID]:
    """Where ids of a period begin, and where they have ended."""
    return (
        first_id(since, shift=-SLACK) if since is not None else _LEAST,
        first_id(until, shift=SLACK) if until is not None else _MOST,
    )


# What is paid from a wallet is completed when it is made, so the id tells (`verify` checks that);
# the gateway tells later, maybe days.
_SUMMARY = """
    WITH lines AS (
        SELECT completed_at AS moment, product_id, user_id, 1 AS orders, quantity AS units,
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
        FROM (SELECT (moment AT TIME ZONE 'UTC')::date AS day, lines.* FROM lines) dated
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

#: What `part` of a row of the summary stands for.
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
    """Sums in minor units of the days in their order, of the best products, and of everything.

    One statement, so one snapshot. Days without any movement are not among them.
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
