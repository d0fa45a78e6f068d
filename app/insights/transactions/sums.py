"""SQL for the sums of the transactions of the feed, to make them anew and to verify them."""

from typing import Final

#: The sums since `:since`, with the columns of their tables. {unit}: `minute` or `day`.
SUMS_OF_FEED: Final = """
    SELECT date_trunc('{unit}', occurred_at, 'UTC') AS starts_at, currency,
        count(*) FILTER (WHERE status = 'APPROVED') AS approved,
        count(*) FILTER (WHERE status = 'DECLINED') AS declined,
        count(*) FILTER (WHERE status = 'REVIEW') AS reviewed,
        CAST(coalesce(sum(amount) FILTER (WHERE status = 'APPROVED'), 0) AS bigint) AS volume,
        count(latency_ms) AS measured,
        CAST(coalesce(sum(latency_ms), 0) AS bigint) AS latency_ms
    FROM feed_transactions
    WHERE occurred_at >= :since
    GROUP BY 1, 2
"""
