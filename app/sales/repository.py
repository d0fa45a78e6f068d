"""SQL of sales: orders of a merchant, and totals of orders and refunds."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, case, select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.csv_export import CsvBatch, batch_of, money_cell, text_cell, time_cell
from app.common.driver import send
from app.common.id_ranges import ids_within, newest_first, paginate_newest
from app.common.pagination import Page, PageRequest
from app.common.time_range import ANY_TIME, TimeRange
from app.orders.models import Order, OrderStatus
from app.products.models import Product
from app.sales.lines import COUNTS, SUMS, lines

#: A range of IDs that is empty.
_NO_IDS: Final = (UUID(int=0), UUID(int=0))

#: The cells of a row of the export.
EXPORTED: Final[dict[str, Any]] = {
    "orderId": Order.id,
    "createdAt": time_cell(Order.created_at),
    "completedAt": time_cell(Order.completed_at),
    "status": Order.status,
    "paymentMethod": Order.payment_method,
    "productId": Order.product_id,
    "product": text_cell(Product.name),
    "buyerId": Order.user_id,
    "buyerEmail": text_cell(User.email),
    "quantity": Order.quantity,
    "unitPrice": money_cell(Order.unit_price, Order.currency),
    "discount": money_cell(Order.discount, Order.currency),
    "couponCode": text_cell(Order.coupon_code),
    "amount": money_cell(Order.amount, Order.currency),
    "fee": money_cell(Order.fee, Order.currency),
    "refunded": money_cell(Order.refunded_amount, Order.currency),
    "feeRefunded": money_cell(Order.refunded_fee, Order.currency),
    # 0 unless it was paid.
    "net": money_cell(
        case(
            (
                Order.status.in_((OrderStatus.COMPLETED, OrderStatus.REFUNDED)),
                Order.amount - Order.fee - Order.refunded_amount + Order.refunded_fee,
            ),
            else_=0,
        ),
        Order.currency,
    ),
    "refundedUnits": Order.refunded_units,
    "currency": Order.currency,
    "orderNumber": Order.number,
}


def list_sales(
    session: Session, page: PageRequest, *, within: TimeRange = ANY_TIME, **filters: Any
) -> Page[Any]:
    """Orders with product and buyer, newest first. filters: see `_filters`."""
    return paginate_newest(
        session,
        page,
        _with_names(select(Order, Product, User)),
        Order.id,
        created_at=Order.created_at,
        within=within,
        **_filters(**filters),
    )


def export(
    session: Session,
    *,
    limit: int,
    within: TimeRange = ANY_TIME,
    below: UUID | None = None,
    **filters: Any,
) -> CsvBatch:
    """A batch of the export, newest first. below: only orders with a smaller id; filters: see
    `_filters`."""
    found = _filters(**filters)
    query = newest_first(
        _with_names(select(Order.id)).where(*found["where"]),
        Order.id,
        created_at=Order.created_at,
        within=within,
        lead=found["lead"],
        below=below,
    )
    batch = batch_of(query, EXPORTED, Order.id, limit=limit)
    return CsvBatch(*session.execute(batch).one())


def _with_names(query: Any) -> Any:
    return (
        query.select_from(Order)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id)
    )


def _filters(
    *,
    merchant_id: UUID,
    product_id: UUID | None = None,
    status: str | None = None,
    number: str | None = None,
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest` for sales of the merchant: orders, but no
    giveaways."""
    lead: dict[Any, Any] = {Order.merchant_id: merchant_id}
    where: list[Any] = [Order.giveaway_id.is_(None)]
    if product_id is not None:
        where.append(Order.merchant_id == merchant_id)
        lead = {Order.product_id: product_id}
    if status is not None:
        # As a literal, so that PostgreSQL can use a partial index.
        where.append(Order.status == bindparam(None, status, literal_execute=True))
        if product_id is None and status != OrderStatus.COMPLETED:
            lead[Order.status] = status
    if number is not None:
        where.append(Order.number == number)
    return {"lead": lead, "where": where}


# The parts of the period that have not been summed, two at most: before and after the days that
# have been (from `first_day`, before `next_day`).
_LINES: Final = " UNION ALL ".join(
    lines(
        f"%(since{n})s",
        f"%(until{n})s",
        wallet_orders=f"{{owner}} >= ({{owner_id}}, %(first{n})s)"
        f" AND {{owner}} < ({{owner_id}}, %(beyond{n})s)"
        " AND currency = %(currency)s {of_merchant}",
        gateway_orders="merchant_id = %(merchant_id)s AND currency = %(currency)s {of_product}",
        refunds=f"(r.merchant_id, r.id) >= (%(merchant_id)s, %(first{n})s)"
        f" AND (r.merchant_id, r.id) < (%(merchant_id)s, %(beyond{n})s)"
        " AND r.currency = %(currency)s {of_product}",
    )
    for n in (0, 1)
)

_SUMMARY = f"""
    WITH lines AS ({_LINES}),
    days AS (
        SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, product_id, {SUMS}
        FROM lines GROUP BY 1, 2
        UNION ALL
        SELECT day, product_id, {", ".join(COUNTS)} FROM daily_sales AS o
        WHERE merchant_id = %(merchant_id)s AND currency = %(currency)s
            AND day >= %(first_day)s AND day < %(next_day)s {{of_product}}
    ), parts AS (
        SELECT grouping(day, product_id) AS part, day, product_id, {SUMS}
        FROM days GROUP BY GROUPING SETS ((), (day), (product_id))
    ), buyers_of_days AS (
        SELECT CAST(coalesce(sum(buyers), 0) AS bigint) AS number FROM daily_buyers
        WHERE scope_id = {{scope_id}} AND currency = %(currency)s
            AND day >= %(first_day)s AND day < %(next_day)s AND previous_day < %(first_day)s
    ), other_buyers AS (
        SELECT count(*) AS number
        FROM (SELECT DISTINCT buyer_id FROM lines WHERE buyer_id IS NOT NULL) AS found
        WHERE NOT EXISTS (
            SELECT FROM buyer_days b
            WHERE b.scope_id = {{scope_id}} AND b.currency = %(currency)s
                AND b.buyer_id = found.buyer_id
                AND b.day >= %(first_day)s AND b.day < %(next_day)s)
    )
    SELECT ranked.*, p.name,
        (SELECT number FROM buyers_of_days) + (SELECT number FROM other_buyers) AS buyers
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY part ORDER BY revenue DESC, units DESC, product_id) AS place
        FROM parts
    ) ranked LEFT JOIN products p ON p.id = ranked.product_id
    WHERE part <> 2 OR (place <= %(best)s AND orders > 0)
    ORDER BY part, day, place
"""  # noqa: S608 – names from our own code
_OF_MERCHANT = _SUMMARY.format(
    owner="(o.merchant_id, o.id)",
    owner_id="%(merchant_id)s",
    scope_id="%(merchant_id)s",
    of_merchant="",
    of_product="",
)
_OF_PRODUCT = _SUMMARY.format(
    owner="(o.product_id, o.id)",
    owner_id="%(product_id)s",
    # None if it is the product of somebody else.
    scope_id="(SELECT id FROM products"
    " WHERE id = %(product_id)s AND merchant_id = %(merchant_id)s)",
    of_merchant="AND merchant_id = %(merchant_id)s",
    of_product="AND o.product_id = %(product_id)s",
)

#: Values of `part` in the rows of the summary.
DAY, PRODUCT, WHOLE = 1, 2, 3


def summary(
    session: Session,
    *,
    merchant_id: UUID,
    product_id: UUID | None,
    currency: str,
    summed_days: tuple[date, date],
    parts: Sequence[tuple[datetime, datetime]],
    best: int,
) -> Iterable[Any]:
    """Totals in minor units: per day in order, of the best products, and overall.

    The period consists of days that have been summed (the first one, and the one after the last)
    and of two other parts, which may be empty. Days without sales or refunds are not included.
    """
    values: dict[str, Any] = {
        "merchant_id": merchant_id,
        "product_id": product_id,
        "currency": currency,
        "first_day": summed_days[0],
        "next_day": summed_days[1],
        "best": best,
    }
    for n, (since, until) in enumerate(parts):
        first, beyond = ids_within(since, until) if since < until else _NO_IDS
        values |= {f"since{n}": since, f"until{n}": until, f"first{n}": first, f"beyond{n}": beyond}
    return send(session, _OF_MERCHANT if product_id is None else _OF_PRODUCT, values)
