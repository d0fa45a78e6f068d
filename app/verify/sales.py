"""Sales summaries: their assumptions, and the daily sums that they add up."""

from typing import Final

from app.sales.lines import COUNTS, FIGURES, QUARTER_HOUR, SUMS, lines
from app.verify.invariant import Invariant

#: All orders and refunds of the days that have been summed, and of those before them.
_LINES: Final = lines(
    "CAST('-infinity' AS timestamptz)",
    "CAST((SELECT max(day) + 1 FROM summed_days) AS timestamp) AT TIME ZONE 'UTC'",
    wallet_orders="true",
    gateway_orders="true",
    refunds="true",
)
_DAY: Final = "CAST(occurred_at AT TIME ZONE 'UTC' AS date) AS day"

_FIGURES: Final = ", ".join(
    f"CAST(sum({sql}) AS bigint) AS {name}" for name, sql in FIGURES.items()
)

INVARIANTS: Final = (
    Invariant(
        # Summaries find it by its ID, with a tolerance of one hour (SLACK in app.sales.lines).
        "A wallet purchase was completed when it was created, as its ID shows",
        """
        SELECT id FROM orders
        WHERE id >= :first AND payment_method = 'WALLET' AND status IN ('COMPLETED', 'REFUNDED')
            AND abs(extract(epoch FROM completed_at - uuid_extract_timestamp(id))) > 3600
        """,
    ),
    Invariant(
        "A refund has the merchant of its order",
        """
        SELECT r.id FROM refunds r JOIN orders o ON o.id = r.order_id
        WHERE r.id >= :first AND r.merchant_id <> o.merchant_id
        """,
    ),
    Invariant(
        "Days are summed without a gap",
        """
        SELECT day FROM summed_days s
        WHERE day > (SELECT min(day) FROM summed_days)
            AND NOT EXISTS (SELECT FROM summed_days p WHERE p.day = s.day - 1)
        """,
    ),
    Invariant(
        "The sums of a day are those of its orders and refunds",
        f"""
        SELECT merchant_id, currency, day, product_id
        FROM (
            SELECT merchant_id, currency, {_DAY}, product_id, {SUMS} FROM ({_LINES}) AS found
            GROUP BY merchant_id, currency, day, product_id
        ) e FULL JOIN daily_sales s USING (merchant_id, currency, day, product_id)
        WHERE ({", ".join(f"e.{name}" for name in COUNTS)})
            IS DISTINCT FROM ({", ".join(f"s.{name}" for name in COUNTS)})
        """,  # noqa: S608 – names from our own code
        whole=True,
    ),
    Invariant(
        "The sums of a quarter of an hour are those of its orders and refunds",
        f"""
        SELECT scope_id, currency, starts_at
        FROM (
            SELECT scope_id, currency, starts_at, {_FIGURES}
            FROM (
                SELECT found.*, {QUARTER_HOUR} AS starts_at FROM ({_LINES}) AS found
                    JOIN summed_days d ON d.day = CAST(occurred_at AT TIME ZONE 'UTC' AS date)
                        AND d.quarters_summed_at IS NOT NULL
            ) of_quarters, LATERAL (VALUES (merchant_id), (product_id)) AS scopes (scope_id)
            GROUP BY scope_id, currency, starts_at
        ) e FULL JOIN quarter_hour_sales s USING (scope_id, currency, starts_at)
        WHERE ({", ".join(f"e.{name}" for name in FIGURES)})
            IS DISTINCT FROM ({", ".join(f"s.{name}" for name in FIGURES)})
        """,  # noqa: S608 – as above
        whole=True,
    ),
    Invariant(
        "The buyers of a day are those of its orders",
        f"""
        SELECT scope_id, currency, buyer_id, day FROM (
            SELECT DISTINCT scope_id, currency, buyer_id, {_DAY}, 1 AS counted
            FROM ({_LINES}) AS found,
                LATERAL (VALUES (merchant_id), (product_id)) AS scopes (scope_id)
            WHERE buyer_id IS NOT NULL
            UNION ALL
            SELECT scope_id, currency, buyer_id, day, -1 FROM buyer_days
        ) days
        GROUP BY scope_id, currency, buyer_id, day
        HAVING sum(counted) <> 0
        """,  # noqa: S608 – as above
        whole=True,
    ),
    Invariant(
        "The buyers of a day are counted by the day on which they bought before",
        """
        SELECT scope_id, currency, day, CAST(previous_day AS text), e.buyers, s.buyers
        FROM (
            SELECT scope_id, currency, day, previous_day, count(*) AS buyers
            FROM (
                SELECT scope_id, currency, day, coalesce(lag(day) OVER (
                    PARTITION BY scope_id, currency, buyer_id ORDER BY day), '-infinity'
                ) AS previous_day
                FROM buyer_days
            ) days
            GROUP BY scope_id, currency, day, previous_day
        ) e FULL JOIN daily_buyers s USING (scope_id, currency, day, previous_day)
        WHERE e.buyers IS DISTINCT FROM s.buyers
        """,
        whole=True,
    ),
)
