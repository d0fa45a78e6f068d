"""SQL of sales: orders of a merchant, and totals of orders and refunds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import String, bindparam, case, cast, select, text
from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.service import fold_email
from app.common.csv_export import (
    CsvBatch,
    constant_cell,
    money_cell,
    text_cell,
    time_cell,
)
from app.common.driver import send
from app.common.id_ranges import Listing, equal, ids_within, leading
from app.common.time_range import ANY_TIME, TimeRange
from app.common.time_zone import UTC_ZONE
from app.orders.models import PARTLY_REFUNDED, Order, OrderStatus, RefundState
from app.products.models import Product
from app.sales.lines import COUNTS, FIGURES, SUMS, lines

#: A range of IDs that is empty.
_NO_IDS: Final = (UUID(int=0), UUID(int=0))

#: States of so few orders that they are looked for among all of the merchant's, also for a product.
_FEW: Final = (RefundState.PARTIAL, RefundState.FULL)


def _zone_cells(zone: ZoneInfo) -> dict[str, Any]:
    return {
        "createdAt": time_cell(Order.created_at, zone),
        "completedAt": time_cell(Order.completed_at, zone),
        "timeZone": constant_cell(zone.key),
    }


#: The cells of a row of the export, with times in UTC.
EXPORTED: Final[dict[str, Any]] = {
    "orderId": Order.id,
    "createdAt": None,
    "completedAt": None,
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
    "notes": text_cell(Order.notes),
    "metadata": text_cell(cast(Order.meta, String)),
    "timeZone": None,
} | _zone_cells(UTC_ZONE)


def _filters(
    *,
    merchant_id: UUID,
    product_id: UUID | None = None,
    buyer_id: UUID | None = None,
    buyer_email: str | None = None,
    status: str | None = None,
    refunded: str | None = None,
    number: str | None = None,
    coupon_id: UUID | None = None,
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest` for sales of the merchant: orders, but no
    giveaways. buyer_id or buyer_email: of one buyer; refunded: a RefundState; coupon_id: with
    this coupon."""
    where: list[Any] = [Order.giveaway_id.is_(None)]
    statuses = {status} if status is not None else set()
    if refunded == RefundState.FULL:
        statuses.add(OrderStatus.REFUNDED.value)
    # As literals, so that PostgreSQL can use partial indexes.
    where += [Order.status == bindparam(None, one, literal_execute=True) for one in statuses]
    if refunded == RefundState.PARTIAL:
        where.append(text(PARTLY_REFUNDED))
    elif refunded == RefundState.NONE:
        where += [Order.refunded_amount == 0, Order.refunded_units == 0]
    if coupon_id is not None:  # PostgreSQL does not conclude it from the comparison of a row
        where.append(Order.coupon_id.is_not(None))
    by_buyer: dict[Any, Any] = {Order.user_id: _buyer(buyer_id, buyer_email)}
    by_product: dict[Any, Any] = {Order.product_id: product_id}
    by_merchant: dict[Any, Any] = {Order.merchant_id: merchant_id}
    by_coupon: dict[Any, Any] = {Order.coupon_id: coupon_id}
    if number is not None:
        others = equal({Order.number: number} | by_buyer | by_coupon | by_product | by_merchant)
        return {"lead": {}, "where": where + others}
    if refunded in _FEW:
        lead, others = leading(by_buyer | by_coupon | by_merchant | by_product)
    else:
        lead, others = leading(by_buyer | by_coupon | by_product | by_merchant)
    unusual = statuses - {OrderStatus.COMPLETED.value}
    if unusual and Order.merchant_id in lead:
        lead[Order.status] = min(unusual)
    return {"lead": lead, "where": where + others}


def _buyer(buyer_id: UUID | None, buyer_email: str | None) -> Any:
    """The ID of one buyer, or the SQL that finds it."""
    if buyer_email is None:
        return buyer_id
    query = select(User.id).where(User.email_key == fold_email(buyer_email))
    return query.correlate(None).scalar_subquery()


#: Orders with product and buyer; filters: see `_filters`.
SALES: Final = Listing(
    select(Order, Product, User)
    .select_from(Order)
    .join(Product, Product.id == Order.product_id)
    .join(User, User.id == Order.user_id),
    Order.id,
    created_at=Order.created_at,
    filters=_filters,
    cells=EXPORTED,
)


def export(session: Session, *, within: TimeRange = ANY_TIME, **filters: Any) -> CsvBatch:
    """A batch of the export, with times in the zone of `within`. filters: as of
    `Listing.read_csv`."""
    in_zone = replace(SALES, cells=EXPORTED | _zone_cells(within.zone))
    return in_zone.read_csv(session, within=within, **filters)


def _lines_of(n: int) -> str:
    """The orders and refunds of a part of the period."""
    return lines(
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


# The parts of the period that have not been summed, two at most: before and after what has been.
_LINES: Final = f"{_lines_of(0)} UNION ALL {_lines_of(1)}"

_SUMMARY = f"""
    WITH lines AS ({_LINES}),
    sums AS (
        SELECT product_id, {", ".join(COUNTS)} FROM lines
        UNION ALL
        SELECT product_id, {", ".join(COUNTS)} FROM daily_sales AS o
        WHERE merchant_id = %(merchant_id)s AND currency = %(currency)s
            AND day >= %(first_day)s AND day < %(next_day)s {{of_product}}
    ), parts AS (
        SELECT grouping(product_id) AS part, product_id, {SUMS}
        FROM sums GROUP BY GROUPING SETS ((), (product_id))
    ), buyers_of_days AS (
        SELECT CAST(coalesce(sum(buyers), 0) AS bigint) AS number FROM daily_buyers
        WHERE scope_id = {{scope_id}} AND currency = %(currency)s
            AND day >= %(first_day)s AND day < %(next_day)s AND previous_day < %(first_day)s
    ), {{other_buyers}}
    SELECT ranked.*, p.name,
        (SELECT number FROM buyers_of_days) + (SELECT number FROM other_buyers) AS buyers,
        {{new_buyers}} AS new_buyers
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY part ORDER BY revenue DESC, units DESC, product_id) AS place
        FROM parts
    ) ranked LEFT JOIN products p ON p.id = ranked.product_id
    WHERE part = 1 OR (place <= %(best)s AND orders > 0)
    ORDER BY part, place
"""  # noqa: S608 – names from our own code

_DAYS = f"""
    WITH lines AS ({_LINES})
    SELECT width_bucket(occurred_at, CAST(%(starts)s AS timestamptz[])) AS number,
        {", ".join(f"CAST(sum({name}) AS bigint) AS {name}" for name in FIGURES)}
    FROM (
        SELECT occurred_at, {", ".join(f"{sql} AS {name}" for name, sql in FIGURES.items())}
        FROM lines
        UNION ALL
        SELECT starts_at, {", ".join(FIGURES)} FROM quarter_hour_sales
        WHERE scope_id = {{scope_id}} AND currency = %(currency)s
            AND starts_at >= %(first_quarter)s AND starts_at < %(next_quarter)s
    ) found
    GROUP BY number
"""  # noqa: S608 – as above

# Buyers of the parts that have not been summed, who bought on none of the summed days.
_OTHER_BUYERS: Final = """
    other_buyers AS (
        SELECT count(*) AS number
        FROM (SELECT DISTINCT buyer_id FROM lines WHERE buyer_id IS NOT NULL) AS found
        WHERE NOT EXISTS (
            SELECT FROM buyer_days b
            WHERE b.scope_id = {scope_id} AND b.currency = %(currency)s
                AND b.buyer_id = found.buyer_id
                AND b.day >= %(first_day)s AND b.day < %(next_day)s)
    )
"""

# The same, and which of them are new: they bought on no day before that of the beginning, and are
# not among the earlier buyers of that day or of days that have not been summed (part 2). Those
# whose first day is among the summed ones count there. Most buyers take one look at the index.
_OTHER_AND_NEW_BUYERS: Final = f"""
    earlier AS (
        SELECT buyer_id FROM ({_lines_of(2)}) AS lines WHERE buyer_id IS NOT NULL
    ), other_buyers AS (
        SELECT count(*) FILTER (WHERE last IS NULL OR last < %(first_day)s) AS number,
            count(*) FILTER (WHERE CASE
                WHEN last IS NULL THEN true
                WHEN last < %(day_of_since)s THEN false
                ELSE (
                    SELECT b.day >= %(day_of_since)s AND b.day < %(first_day)s
                    FROM buyer_days b
                    WHERE b.scope_id = {{scope_id}} AND b.currency = %(currency)s
                        AND b.buyer_id = found.buyer_id
                    ORDER BY b.day LIMIT 1)
                END AND buyer_id NOT IN (SELECT buyer_id FROM earlier)) AS new
        FROM (SELECT DISTINCT buyer_id FROM lines WHERE buyer_id IS NOT NULL) AS found
        LEFT JOIN LATERAL (
            SELECT b.day AS last FROM buyer_days b
            WHERE b.scope_id = {{scope_id}} AND b.currency = %(currency)s
                AND b.buyer_id = found.buyer_id AND b.day < %(next_day)s
            ORDER BY b.day DESC LIMIT 1
        ) AS before ON true
    )
"""  # noqa: S608 – as above

_NEW_BUYERS: Final = """CAST(coalesce((
            SELECT sum(buyers) FROM daily_buyers
            WHERE scope_id = {scope_id} AND currency = %(currency)s
                AND day >= %(first_day)s AND day < %(next_day)s AND previous_day = '-infinity'
        ), 0) + (SELECT new FROM other_buyers) AS bigint)"""

_OF_MERCHANT: Final = {
    "owner": "(o.merchant_id, o.id)",
    "owner_id": "%(merchant_id)s",
    "scope_id": "%(merchant_id)s",
    "of_merchant": "",
    "of_product": "",
}
_OF_PRODUCT: Final = {
    "owner": "(o.product_id, o.id)",
    "owner_id": "%(product_id)s",
    # None if it is the product of somebody else.
    "scope_id": "(SELECT id FROM products"
    " WHERE id = %(product_id)s AND merchant_id = %(merchant_id)s)",
    "of_merchant": "AND merchant_id = %(merchant_id)s",
    "of_product": "AND o.product_id = %(product_id)s",
}


def _summary(owner: Mapping[str, str], other_buyers: str, new_buyers: str) -> str:
    buyers = {
        "other_buyers": other_buyers.format(**owner),
        "new_buyers": new_buyers.format(**owner),
    }
    return _SUMMARY.format(**owner, **buyers)


_SUMMARIES: Final = tuple(
    _summary(owner, _OTHER_BUYERS, "NULL") for owner in (_OF_MERCHANT, _OF_PRODUCT)
)
_SUMMARY_WITH_NEW_BUYERS: Final = _summary(_OF_MERCHANT, _OTHER_AND_NEW_BUYERS, _NEW_BUYERS)
_SUMS_OF_DAYS: Final = _DAYS.format(**_OF_MERCHANT), _DAYS.format(**_OF_PRODUCT)

#: Values of `part` in the rows of the summary.
PRODUCT, WHOLE = 0, 1

#: A part of a period that has not been summed; it may be empty.
Part = tuple[datetime, datetime]


def summary(
    session: Session,
    *,
    product_id: UUID | None,
    summed_days: tuple[date, date],
    parts: Sequence[Part],
    best: int,
    **owner: Any,
) -> Iterable[Any]:
    """Totals in minor units, of the best products and overall.

    The period consists of days that have been summed (the first one, and the one after the last)
    and of two other parts. owner: merchant_id and currency.
    """
    values = {"first_day": summed_days[0], "next_day": summed_days[1], "best": best}
    values |= owner | {"product_id": product_id} | _values_of(parts)
    return send(session, _SUMMARIES[product_id is not None], values)


def days(
    session: Session,
    *,
    product_id: UUID | None,
    starts: Sequence[datetime],
    summed_quarters: Part,
    parts: Sequence[Part],
    **owner: Any,
) -> Iterable[Any]:
    """The figures of days in minor units, each with its number from 1; without empty days.

    starts: the beginning of each; summed_quarters: from the first quarter of an hour that has been
    summed to the one after the last; parts, owner: as of `summary`.
    """
    values = {"first_quarter": summed_quarters[0], "next_quarter": summed_quarters[1]}
    values |= owner | {"product_id": product_id, "starts": list(starts)} | _values_of(parts)
    return send(session, _SUMS_OF_DAYS[product_id is not None], values)


def summary_with_new_buyers(
    session: Session,
    *,
    first_day: date,
    summed_days: tuple[date, date],
    parts: Sequence[Part],
    best: int,
    **owner: Any,
) -> Iterable[Any]:
    """As `summary` of a merchant, with the buyers who had not bought before the period.

    first_day: the day (UTC) on which the period begins; parts: also what precedes the period on its
    first day and in days that have not been summed.
    """
    values = {"first_day": summed_days[0], "next_day": summed_days[1], "best": best}
    values |= owner | {"day_of_since": first_day} | _values_of(parts)
    return send(session, _SUMMARY_WITH_NEW_BUYERS, values)


def _values_of(parts: Sequence[Part]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for n, (since, until) in enumerate(parts):
        first, beyond = ids_within(since, until) if since < until else _NO_IDS
        values |= {f"since{n}": since, f"until{n}": until, f"first{n}": first, f"beyond{n}": beyond}
    return values
