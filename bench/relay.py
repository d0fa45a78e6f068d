"""`./flow bench relay`: how soon and how fast the relay delivers events.

A transaction with five events every 10 ms, while a handler of all events, one of a rare type and
one more run; then a backlog of 10⁶ events (`--rows` for another number).
"""

import argparse
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]  # publishes no types
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.common.settings import COMMAND, load_settings
from app.events import service as events
from app.events.catalogue.delivery import LicenceActivated
from app.events.handlers import Handler
from app.events.relay import process, service
from app.events.sinks import StoredEvent
from app.wiring import wire
from bench.measurement import percentiles
from bench.servers import Servers, start_servers

PER_TRANSACTION = 5
PER_SECOND = 500
#: Milliseconds (p99) from the time of an event to its handler.
TARGET_MS = 250
RARE = ("no-such-type",)

_BACKLOG = """
    INSERT INTO outbox_events (id, type, aggregate_type, aggregate_id, version, data, occurred_at)
    SELECT uuidv7(), 'balance-updated', 'wallet', uuidv7(), 1, jsonb_build_object('userId',
        uuidv7(), 'transactionId', uuidv7(), 'amount', n, 'balance', n, 'currency', 'USD'), now()
    FROM generate_series(1, %(rows)s) AS n
"""


def main(arguments: list[str]) -> int:
    """Returns 0 if the target is met and every event was handled once."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench relay", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the backlog (10⁶)")
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args(arguments)
    console = Console()
    with start_servers(workers=1) as servers, console.status("measuring"):
        os.environ.update(servers.environment)
        wire(load_settings())
        delays, recorded, cpu = latency(options.seconds)
        rates = dict(backlog(servers, options.rows))
    found = percentiles(sorted(delays))
    p50, p99 = found["p50"], found["p99"]
    shown = Table("", "", box=box.SIMPLE_HEAD)
    shown.add_row(f"commit to handler at {PER_SECOND} events/s, p50 ms", f"{p50:.0f}")
    verdict = "met" if p99 <= TARGET_MS else "missed"
    shown.add_row("the same, p99 ms", f"{p99:.0f} (target {TARGET_MS} {verdict})")
    shown.add_row("CPU of relay and writer, cores", f"{cpu / options.seconds:.2f}")
    for name, rate in rates.items():
        shown.add_row(f"backlog, handler of {name}, events/s", f"{rate:,.0f}")
    console.print(shown)
    if len(delays) != recorded:
        console.print(f"[red]{recorded} events, of which {len(delays)} were handled.")
    return 0 if p99 <= TARGET_MS and len(delays) == recorded else 1


def latency(seconds: float) -> tuple[list[float], int, float]:
    """Milliseconds to the handler of each event, the number of events, and CPU seconds."""
    delays: list[float] = []

    def handle(_: Session, found: Sequence[StoredEvent]) -> None:
        now = clock.now()
        delays.extend((now - event.occurred_at).total_seconds() * 1e3 for event in found)

    this = psutil.Process()
    with relaying(Handler("all", handle), Handler("rare", _ignore, RARE), Handler("more", _ignore)):
        before, started, recorded = sum(this.cpu_times()[:2]), time.monotonic(), 0
        while time.monotonic() - started < seconds:
            with transaction() as session:
                events.record(session, [_event() for _ in range(PER_TRANSACTION)])
            recorded += PER_TRANSACTION
            time.sleep(max(0.0, started + recorded / PER_SECOND - time.monotonic()))
        cpu = sum(this.cpu_times()[:2]) - before
        time.sleep(2)
    return delays, recorded, cpu


def backlog(servers: Servers, rows: int) -> Iterator[tuple[str, float]]:
    """Events per second of a handler of all events, and of one of a rare type."""
    servers.sql(_BACKLOG, rows=rows)
    for name, types in (("all types", None), ("a rare type", RARE)):
        handler = Handler(f"backlog {name}", _ignore, types)
        service.add_sink(handler)
        started = time.monotonic()
        while service.deliver(handler):
            pass
        yield name, rows / (time.monotonic() - started)


@contextmanager
def relaying(*handlers: Handler) -> Iterator[None]:
    """A relay in a thread of this process."""
    stop = threading.Event()
    thread = threading.Thread(
        target=process.run,
        args=(handlers,),
        kwargs={
            "listen_url": os.environ["DATABASE_URL"],
            "stop": stop,
            "report": lambda: None,
        },
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _event() -> LicenceActivated:
    return LicenceActivated(
        aggregate_id=new_id(), product_id=new_id(), merchant_id=new_id(), activations=1
    )


def _ignore(_: Session, __: Sequence[StoredEvent]) -> None:
    """Handles nothing: only the relay is measured."""
