"""`./flow bench`: what a purchase and its neighbours cost, beside what PostgreSQL itself can do.

Everything runs on this machine and shares its cores: PostgreSQL (durable), Redis, the web
server in production mode, and the load. So only the ratios of one run mean anything.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table

from app.common.settings import PROJECT_ROOT
from bench import limits
from bench.stage import Person, Stage, stage

CONNECTIONS = 32
MERCHANTS = 100
BUYERS = 200

Result = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="flow bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="about a minute, rougher")
    parser.add_argument("--workers", type=int, default=2, help="web processes")
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args()
    console = Console()
    with console.status("starting the servers") as status, stage(workers=options.workers) as s:
        s.populate(buyers=BUYERS, merchants=MERCHANTS)
        results: dict[str, Result] = {}
        for name, scenario in scenarios(s, seconds=3 if options.quick else 10):
            status.update(name)
            results[name] = scenario()
        status.update("verify")
        books = subprocess.run(
            [sys.executable, "-m", "app.cli", "verify"],
            env=s.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    show(console, results)
    console.print(books.stdout.strip().splitlines()[-1])
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return books.returncode


def scenarios(s: Stage, *, seconds: int) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Every scenario by name, ours directly after the limit it is held against."""
    plenty = 10**7
    hot = s.product(s.merchants[0], units=plenty)
    shelf = [s.product(merchant, units=plenty) for merchant in s.merchants]
    range_of_one = [s.product(s.merchants[1], units=plenty) for _ in range(50)]

    def limit(products: list[UUID], *, gate: bool) -> Callable[[], Result]:
        def run() -> Result:
            limits.prepare(s, products)
            return limits.measure(
                s, products=len(products), gate=gate, seconds=seconds, clients=CONNECTIONS
            )

        return run

    def ours(products: list[UUID], buyers: list[Person]) -> Callable[[], Result]:
        requests = [
            purchase(buyer, products[n % len(products)])
            for n, buyer in enumerate(buyers * -(-len(products) // len(buyers)) * 3)
        ]
        return lambda: load(s, requests, seconds=seconds)

    yield "limit spread", limit(shelf, gate=False)
    yield "spread", ours(shelf, s.buyers)
    yield "limit hot-product", limit([hot], gate=True)
    yield "hot-product", ours([hot], s.buyers)
    yield "limit hot-merchant", limit(range_of_one, gate=True)
    yield "hot-merchant", ours(range_of_one, s.buyers)
    yield "hot-buyer", ours(shelf, s.buyers[:1])
    yield "sell-out 200/50", lambda: sell_out(s, buyers=200, units=50)
    yield "sell-out 5000/1000", lambda: sell_out(s, buyers=5000, units=1000)
    yield "lone purchase", lambda: load(s, [purchase(s.buyers[0], hot)], seconds=3, connections=1)
    yield "limit lone", lambda: limits.measure(s, products=1, gate=True, seconds=3, clients=1)
    deposit = [post(p, "/wallet/deposit", {"amount": "0.01"}) for p in s.buyers]
    yield "deposit", lambda: load(s, deposit, seconds=seconds)
    yield "hello", lambda: load(s, [get("/health/live")], seconds=seconds)
    yield "wallet", lambda: load(s, [get("/api/v1/wallet", p) for p in s.buyers], seconds=seconds)
    yield "catalogue", lambda: load(s, [get("/api/v1/products?limit=20")], seconds=seconds)
    yield "product", lambda: load(s, [get(f"/api/v1/products/{hot}")], seconds=seconds)


def sell_out(s: Stage, *, buyers: int, units: int) -> Result:
    """More buyers than units: each request is sent once."""
    product = s.product(s.merchants[2], units=units)
    requests = [purchase(s.buyers[n % len(s.buyers)], product) for n in range(buyers)]
    result = load(s, requests, seconds=None)
    expected = {"201": units, "400 PRODUCT_OUT_OF_STOCK": buyers - units}
    return result | {"as_it_should_be": result["outcomes"] == expected}


def purchase(buyer: Person, product: UUID) -> str:
    body = {"productId": str(product), "paymentMethod": "WALLET"}
    return post(buyer, "/orders", body, key="bench-{n}")


def post(person: Person, path: str, body: dict[str, Any], *, key: str | None = None) -> str:
    text = json.dumps(body)
    extra = f"Idempotency-Key: {key}\r\n" if key else ""
    return (
        f"POST /api/v1{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {person.token}\r\n"
        f"{extra}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    )


def get(path: str, person: Person | None = None) -> str:
    who = f"Authorization: Bearer {person.token}\r\n" if person else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{who}\r\n"


def load(
    s: Stage, requests: list[str], *, seconds: int | None, connections: int = CONNECTIONS
) -> Result:
    """Send `requests` and say what became of them and what they cost."""
    job = {
        "host": "127.0.0.1",
        "port": s.port,
        "connections": connections,
        "seconds": seconds,
        "requests": requests,
    }
    before = cpu(s)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
    )
    answer = json.loads(done.stdout)
    spent = {name: after - before[name] for name, after in cpu(s).items()}
    times, total = answer["ms"], len(answer["ms"])
    return {
        "per_second": total / answer["seconds"],
        "outcomes": answer["outcomes"],
        "p50": times[total // 2],
        "p95": times[int(total * 0.95)],
        "p99": times[int(total * 0.99)],
        "web_cpu_ms": spent["web"] / total * 1e3,
        "database_cpu_ms": spent["database"] / total * 1e3,
        "load_cpu_ms": answer["cpu"] / total * 1e3,
        "rss_mb": max(p.memory_info().rss for p in s.processes()["web"]) / 1e6,
    }


def cpu(s: Stage) -> dict[str, float]:
    """CPU seconds so far, of the web processes and of PostgreSQL."""
    return {
        name: sum(sum(p.cpu_times()[:2]) for p in processes)
        for name, processes in s.processes().items()
    }


#: What is held against what: ours, the limit, and the ratio to reach.
TARGETS = (
    ("spread", "limit spread", 0.9),
    ("hot-product", "limit hot-product", 1.5),
    ("hot-merchant", "limit hot-merchant", 1.5),
    ("catalogue", "hello", 0.6),
    ("wallet", "hello", 0.35),
)


def show(console: Console, results: dict[str, Result]) -> None:
    table = Table(
        *("Scenario", "per s", "p50 ms", "p95", "p99", "web CPU ms", "db CPU ms", "RSS MB"),
        "Outcomes",
    )
    for name, r in results.items():
        numbers = [
            f"{r[key]:.1f}" if key in r else ""
            for key in ("p50", "p95", "p99", "web_cpu_ms", "database_cpu_ms", "rss_mb")
        ]
        outcomes = ", ".join(f"{k}: {v}" for k, v in r.get("outcomes", {}).items())
        if "retries_per_purchase" in r:
            outcomes = f"{r['retries_per_purchase']:.2f} retries each"
        table.add_row(name, f"{r['per_second']:.0f}", *numbers, outcomes)
    console.print(table)
    ratios = Table("Ours", "against", "ratio", "to reach")
    for ours, limit, least in TARGETS:
        ratio = results[ours]["per_second"] / results[limit]["per_second"]
        ratios.add_row(ours, limit, f"{ratio:.2f}", f"{least}")
    console.print(ratios)


if __name__ == "__main__":
    sys.exit(main())
