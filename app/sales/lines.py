"""SQL for the orders and refunds that summaries and the sums of past days add up."""

from typing import Final

#: The columns that are added up.
COUNTS: Final = (
    "orders",
    "units",
    "discounts",
    "revenue",
    "fees",
    "refunds",
    "fee_refunds",
    "refunded_units",
)


#: Their sums, for a SELECT.
SUMS: Final = ", ".join(f"CAST(coalesce(sum({name}), 0) AS bigint) AS {name}" for name in COUNTS)


#: What the figures of a day consist of: a column, and the SQL of its value in a line.
FIGURES: Final = {
    "orders": "orders",
    "units": "units",
    "revenue": "revenue",
    "refunds": "refunds",
    "net": "revenue - fees - refunds + fee_refunds",
}

#: The beginning of the quarter of an hour of a line.
QUARTER_HOUR: Final = "date_bin('15 minutes', occurred_at, to_timestamp(0))"

# A wallet purchase is completed when it is created, so its ID has the time (see `verify`);
# a gateway payment may be completed days later.
_LINES: Final = """
    SELECT merchant_id, currency, product_id, user_id AS buyer_id, completed_at AS occurred_at,
        1 AS orders, quantity AS units, discount AS discounts, amount AS revenue, fee AS fees,
        0::bigint AS refunds, 0::bigint AS fee_refunds, 0::bigint AS refunded_units
    FROM orders o
    WHERE {wallet_orders} AND payment_method = 'WALLET' AND status IN ('COMPLETED', 'REFUNDED')
        AND giveaway_id IS NULL
        AND completed_at >= {since} AND completed_at < {until}
    UNION ALL
    SELECT merchant_id, currency, product_id, user_id, completed_at,
        1, quantity, discount, amount, fee, 0, 0, 0
    FROM orders o
    WHERE {gateway_orders} AND payment_method = 'GATEWAY' AND status IN ('COMPLETED', 'REFUNDED')
        AND completed_at >= {since} AND completed_at < {until}
    UNION ALL
    SELECT r.merchant_id, r.currency, o.product_id, NULL, r.created_at,
        0, 0, 0, 0, 0, r.amount, r.fee, r.units
    FROM refunds r JOIN orders o ON o.id = r.order_id
    WHERE {refunds} AND o.giveaway_id IS NULL AND r.created_at >= {since} AND r.created_at < {until}
"""


def lines(since: str, until: str, *, wallet_orders: str, gateway_orders: str, refunds: str) -> str:
    """SQL for one row per order (`o`) completed and per refund (`r`) made in a period.

    Giveaways are no sales.

    since, until: SQL of its times. wallet_orders, gateway_orders, refunds: SQL of conditions that
    an index serves, such as a range of IDs.
    """
    return _LINES.format(
        since=since,
        until=until,
        wallet_orders=wallet_orders,
        gateway_orders=gateway_orders,
        refunds=refunds,
    )
