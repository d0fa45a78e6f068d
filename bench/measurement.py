"""Measures a load: outcomes, latency, and the CPU time of each process."""

import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.common.settings import PROJECT_ROOT
from bench import metrics
from bench.servers import Servers

CONNECTIONS = 32


@dataclass(frozen=True, kw_only=True)
class Result:
    """A scenario's outcome. Times in milliseconds, CPU in milliseconds per request.

    outcomes: counts by status and code; wrong: unexpected outcomes, and expected ones that are
    missing. batch, wait: means of the purchase queue; retries: of all transactions; screening: the
    99th percentile of the evaluations of risk rules.
    """

    per_second: float
    outcomes: Mapping[str, int]
    wrong: Mapping[str, int] = field(default_factory=dict)
    p50: float
    p95: float
    p99: float
    web_cpu: float | None = None
    database_cpu: float
    load_cpu: float
    pss_mb: float | None = None
    batch: float | None = None
    wait: float | None = None
    retries: float | None = None
    screening: float | None = None


def load(
    servers: Servers,
    requests: list[str],
    *,
    seconds: float | None,
    expected: Collection[str] | Mapping[str, int],
    connections: int = CONNECTIONS,
    fresh: bool = False,
) -> Result:
    """Send `requests` repeatedly for `seconds`, or each once.

    expected: the allowed outcomes, or the exact count of each.
    fresh: each request gets a new connection.
    """
    job = {
        "host": "127.0.0.1",
        "ports": [servers.port],
        "connections": connections,
        "seconds": seconds,
        "requests": requests,
        "fresh": fresh,
    }
    samples, (web, database) = metrics.read(servers), servers.cpu()
    measured = generate(job)
    web_after, database_after = servers.cpu()
    count = sum(measured["outcomes"].values())
    return Result(
        per_second=len(measured["ms"]) / measured["seconds"],
        outcomes=measured["outcomes"],
        wrong=wrong(measured["outcomes"], expected),
        web_cpu=(web_after - web) / count * 1e3,
        database_cpu=(database_after - database) / count * 1e3,
        load_cpu=measured["cpu"] / count * 1e3,
        pss_mb=servers.pss() / 1e6,
        **percentiles(measured["ms"]),
        **metrics.purchases(samples, metrics.read(servers)),
    )


def generate(job: dict[str, Any]) -> dict[str, Any]:
    """Run the load generator in a separate process, so that it does not share our interpreter."""
    process = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
    )
    measured: dict[str, Any] = json.loads(process.stdout)
    return measured


def wrong(
    outcomes: Mapping[str, int], expected: Collection[str] | Mapping[str, int]
) -> dict[str, int]:
    """Outcomes that are not allowed, or whose count differs from the required one."""
    if isinstance(expected, Mapping):
        names = {*outcomes, *expected}
        return {n: outcomes.get(n, 0) for n in names if outcomes.get(n, 0) != expected.get(n, 0)}
    return {name: count for name, count in outcomes.items() if name not in expected}


def percentiles(times: list[float]) -> dict[str, Any]:
    """times: sorted."""
    last = len(times) - 1
    if last < 0:
        return {"p50": float("nan"), "p95": float("nan"), "p99": float("nan")}
    return {f"p{p}": times[min(len(times) * p // 100, last)] for p in (50, 95, 99)}
