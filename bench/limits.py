"""What PostgreSQL alone achieves with one movement per transaction: pgbench, on the same server."""

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from uuid import UUID

import psutil  # type: ignore[import-untyped]  # publishes no types
from sqlalchemy import make_url

from app.common.connections import BY_INDEX
from bench.measurement import Result, percentiles
from bench.shop import Shop

_SCRIPTS = Path(__file__).parent / "limit"
#: Seconds in which new connections log in and prepare their statements; ours have already.
_WARM_UP: Final = 1

# The same query plans as ours: index scans, whatever the size of the tables (app/common/db.py).
_ENVIRONMENT = os.environ | {"PGOPTIONS": BY_INDEX}

_LOCK = "LOCK TABLE money_gate IN SHARE UPDATE EXCLUSIVE MODE;"

_PREPARE = """
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
"""


def measure(
    shop: Shop,
    script_name: str,
    *,
    products: list[UUID],
    lock: bool,
    seconds: float,
    clients: int,
    receiver: str = "",
) -> Result:
    """Execute a script in the folder `limit` for random buyers and `products` over `clients`
    connections.

    receiver: pgbench's expression for the number of the buyer who receives a transfer.
    lock: each movement acquires the exclusive ledger lock, as our batches do, instead of failing
    and being retried.
    """
    servers = shop.servers
    servers.sql(_PREPARE, buyers=[p.id for p in shop.buyers], products=products)
    script = (_SCRIPTS / f"{script_name}.sql").read_text()
    script = script.replace("PICK_BUYER", f"random(2, {len(shop.buyers)})")
    script = script.replace("PICK_PRODUCT", f"random(1, {len(products)})")
    script = script.replace("PICK_RECEIVER", receiver)
    script = script.replace("\nACQUIRE_LOCK\n", f"\n{_LOCK}\n" if lock else "\n")
    url = make_url(servers.environment["DATABASE_URL"]).set(drivername="postgresql")
    with TemporaryDirectory() as folder:
        path = Path(folder, "script.sql")
        path.write_text(script)
        command: list[str | Path] = [
            Path(servers.postgres.exe()).with_name("pgbench"),  # of the same version as the server
            *("-n", "-M", "prepared", "-c", str(clients), "-j", "1", "--max-tries=100"),
            *("-T", str(_WARM_UP + max(1, round(seconds))), "-f", path),
            *("--log", f"--log-prefix={folder}/log"),
            url.render_as_string(hide_password=False),
        ]
        before = _cpu_of_children()
        with subprocess.Popen(  # noqa: S603
            command, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as pgbench:
            time.sleep(_WARM_UP)
            started, (_, database) = time.time(), servers.cpu()
            before += sum(psutil.Process(pgbench.pid).cpu_times()[:2])
            _, stderr = pgbench.communicate()
        done = [line for line in _read_logs(Path(folder)) if line.ended >= started]
    if not done:
        raise SystemExit(f"pgbench failed: {stderr[-500:]}")
    times = sorted(line.ms for line in done if line.ms is not None)
    failed = len(done) - len(times)
    return Result(
        per_second=len(times) / (max(line.ended for line in done) - started),
        outcomes={"committed": len(times)} | ({"failed": failed} if failed else {}),
        database_cpu=(servers.cpu()[1] - database) / len(done) * 1e3,
        load_cpu=(_cpu_of_children() - before) / len(done) * 1e3,
        retries=sum(line.retries for line in done),
        **percentiles(times),
    )


class _Line(NamedTuple):
    """A transaction in pgbench's log. ms: None if it failed permanently."""

    ms: float | None
    ended: float
    retries: int


def _read_logs(folder: Path) -> Iterator[_Line]:
    for log in folder.glob("log*"):
        for line in log.read_text().splitlines():
            _, _, took, _, seconds, microseconds, retries = line.split()
            ms = int(took) / 1e3 if took.isdigit() else None
            yield _Line(ms, int(seconds) + int(microseconds) / 1e6, int(retries))


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
