"""`./flow bench webhooks`: how much later one endpoint receives its events while another hangs.

Fifty events per second for one merchant's endpoint, alone and beside an endpoint of another
merchant that does not answer and has 1,000 events in its queue.
"""

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

from rich import box
from rich.console import Console
from rich.table import Table

from app.auth import service as auth
from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.common.json_format import parse_json
from app.common.settings import COMMAND, load_settings
from app.events import service as events
from app.events.catalogue.delivery import LicenceActivated
from app.events.handlers import Handler
from app.webhooks import handler, service
from app.webhooks.dispatch.dispatcher import Dispatcher
from app.webhooks.models import ApiVersion
from app.wiring import wire
from bench.measurement import percentiles
from bench.relay import relaying
from bench.servers import start_servers
from bench.shop import Shop

PER_SECOND = 50
QUEUED = 1_000
#: Milliseconds that the other endpoint may add to the p99.
TARGET_MS = 50
#: For the last events to arrive.
_PATIENCE_SECONDS = 10.0


class Receiver:
    """Two endpoints: `/` answers at once, and `/hangs` not at all.

    delays: milliseconds from the time of each event to its arrival at the first.
    """

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.stop = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Request, self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            self.stop.set()
            self._server.shutdown()
            self._server.server_close()


class _Request(BaseHTTPRequestHandler):
    def __init__(self, receiver: Receiver, *arguments: object) -> None:
        self._receiver = receiver
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        now = clock.now()
        event = parse_json(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/hangs":
            self._receiver.stop.wait(60)
            return
        happened_at = datetime.fromisoformat(event["timestamp"])
        self._receiver.delays.append((now - happened_at).total_seconds() * 1e3)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def main(arguments: list[str]) -> int:
    """Returns 0 if the target is met and every event arrived."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench webhooks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args(arguments)
    console = Console()
    receiver = Receiver()
    with (
        start_servers(workers=1) as servers,
        console.status("measuring"),
        receiver.serving(),
    ):
        os.environ.update(servers.environment | {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"})
        wire(load_settings())
        hanging, answering = (
            user.id for user in Shop(servers, buyers=0, merchants=2, long=1).merchants
        )
        _add_endpoint(hanging, f"{receiver.url}/hangs")
        _add_endpoint(answering, receiver.url)
        with relaying(Handler("webhooks", handler.handle, handler.TYPES)), _dispatching():
            _record(answering, seconds=2)  # so that the endpoint is known to answer
            alone = _delays(receiver, answering, seconds=options.seconds)
            with transaction() as session:
                events.record(session, [_event(hanging) for _ in range(QUEUED)])
            time.sleep(2)
            beside = _delays(receiver, answering, seconds=options.seconds)
            receiver.stop.set()
    shown = Table("ms from event to receiver", "p50", "p99", box=box.SIMPLE_HEAD)
    for name, delays in (("alone", alone), ("beside one that hangs", beside)):
        shown.add_row(name, *(f"{percentiles(delays)[part]:.0f}" for part in ("p50", "p99")))
    console.print(shown)
    added = percentiles(beside)["p99"] - percentiles(alone)["p99"]
    is_met = added <= TARGET_MS
    console.print(f"{added:+.0f} ms (p99; target {TARGET_MS} {'met' if is_met else 'missed'})")
    return 0 if is_met else 1


def _add_endpoint(merchant_id: UUID, url: str) -> None:
    with transaction() as session:
        service.create_endpoint(
            session,
            merchant=auth.require_user(session, merchant_id),
            url=url,
            description=None,
            event_types=None,
            api_version=ApiVersion.V1,
            is_thin=False,
        )


@contextmanager
def _dispatching() -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Dispatcher().run, kwargs={"until": stop.is_set})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _delays(receiver: Receiver, merchant_id: UUID, *, seconds: float) -> list[float]:
    """Milliseconds from each event of the next seconds to its arrival."""
    receiver.delays.clear()
    recorded = _record(merchant_id, seconds=seconds)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(receiver.delays) < recorded:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(receiver.delays)} of {recorded} events have arrived")
        time.sleep(0.05)
    return sorted(receiver.delays)


def _record(merchant_id: UUID, *, seconds: float) -> int:
    """Record events, evenly. Returns their number."""
    started, recorded = time.monotonic(), 0
    while time.monotonic() - started < seconds:
        with transaction() as session:
            events.record(session, [_event(merchant_id)])
        recorded += 1
        time.sleep(max(0.0, started + recorded / PER_SECOND - time.monotonic()))
    return recorded


def _event(merchant_id: UUID) -> LicenceActivated:
    return LicenceActivated(
        aggregate_id=new_id(), product_id=new_id(), merchant_id=merchant_id, activations=1
    )
