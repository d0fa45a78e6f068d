"""What insights need of a large shop: a feed, counts of requests, readiness and checkouts."""

from typing import Final
from uuid import UUID

from bench.shop import Shop

# Over the 29 days before now, of half the buyers, all of one merchant.
_FEED: Final = """
    SET session_replication_role = replica;
    INSERT INTO feed_users (user_id) SELECT id FROM users WHERE role = 'USER';
    CREATE TEMP TABLE payers AS SELECT row_number() OVER () AS n, * FROM feed_users;
    CREATE UNIQUE INDEX ON payers (n);
    INSERT INTO feed_transactions (transaction_id, user_id, user_number, kind, merchant_id,
        merchant_name, amount, currency, status, decline_reason, latency_ms, risk_score,
        occurred_at)
    SELECT uuidv7(), p.user_id, p.number, 'PURCHASE', %(merchant)s, 'Benchmark', 1000, 'USD',
        CASE WHEN t.n %% 20 = 0 THEN 'DECLINED' ELSE 'APPROVED' END,
        CASE WHEN t.n %% 20 = 0 THEN 'INSUFFICIENT_FUNDS' END, t.n %% 50, 0.1,
        now() - (%(rows)s - t.n) * (interval '29 days' / %(rows)s)
    FROM generate_series(1, %(rows)s::bigint) AS t (n)
    JOIN payers p ON p.n = 1 + t.n %% (SELECT count(*) FROM payers);
"""

_REQUESTS: Final = """
    INSERT INTO request_minutes (starts_at, duration, requests, errors)
    SELECT date_trunc('minute', now()) - m * interval '1 minute', d, 100, m %% 50 / 49
    FROM generate_series(0, 29 * 24 * 60) AS m, generate_series(0, 20) AS d;
    INSERT INTO request_hours (starts_at, duration, requests, errors)
    SELECT date_trunc('hour', starts_at), duration, sum(requests), sum(errors)
    FROM request_minutes GROUP BY 1, 2;
    INSERT INTO readiness_hours (starts_at, checked, failed)
    SELECT date_trunc('hour', now()) - h * interval '1 hour', (1::bigint << 60) - 1, h %% 100 / 99
    FROM generate_series(0, 2 * 365 * 24) AS h;
"""

# Over a year, of one merchant; half of them were paid.
_CHECKOUTS: Final = """
    SET session_replication_role = replica;
    INSERT INTO orders (id, user_id, merchant_id, product_id, payment_method, status, quantity,
        unit_price, amount, fee, currency, completed_at, created_at, updated_at)
    SELECT uuidv7(time - now()), %(buyer)s, %(merchant)s, %(product)s, 'GATEWAY',
        CASE WHEN o.n %% 2 = 0 THEN 'COMPLETED' ELSE 'FAILED' END, 1, 1000, 1000, 25, 'USD',
        CASE WHEN o.n %% 2 = 0 THEN time + interval '1 minute' END, time, time
    FROM (SELECT n, now() - (%(rows)s - n) * (interval '365 days' / %(rows)s) AS time
        FROM generate_series(1, %(rows)s::bigint) AS n) AS o;
"""


def seed(shop: Shop, *, rows: int, product: UUID) -> None:
    """Insert a feed of `rows` transactions with its sums, and a tenth as many checkouts."""
    merchant = shop.merchants[0].id
    shop.servers.sql(_FEED, merchant=merchant, rows=rows)
    shop.servers.sql(_REQUESTS, rows=rows)
    shop.servers.sql(
        _CHECKOUTS, buyer=shop.buyers[0].id, merchant=merchant, product=product, rows=rows // 10
    )
    summed = shop.servers.command("rebuild-insights")
    if summed.returncode:
        raise SystemExit(f"rebuild-insights failed:\n{summed.stdout}{summed.stderr}")
