"""`./flow drill restore`: destroys a cluster of its own under load, and restores it.

    ./flow drill restore                # a minute or two
    ./flow drill restore --seconds 60   # of purchases

Buyers purchase through the API of an `up` with its own folder, and log each answer. In the middle
the database is killed, and the whole data folder deleted, as if the machine were lost. It is
restored twice, to the last archived transaction and to a moment before, and each time `verify` runs
and the orders are compared with what the buyers were told.
"""

import argparse
import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg
from rich.console import Console
from rich.table import Table

from app.backups.archiver import PARTIAL_SECONDS
from app.backups.store import Store
from app.common.settings import COMMAND, PROJECT_ROOT
from app.local.processes import free_port
from app.local.running import OWNER_URL, running_environment

BUYERS: Final = 6
_PASSWORD: Final = "a-fine-secret-1"  # noqa: S105 – of users of the drill
_API: Final = "/api/v1"
#: Clocks of one machine agree, but an answer is logged a little after its transaction.
_TOLERANCE: Final = timedelta(seconds=0.5)
_WAIT_SECONDS: Final = 120.0
#: What was acknowledged longer ago than this is never lost: the interval of the archive, and time
#: to stream, compress and encrypt on a busy machine.
MAX_RPO: Final = PARTIAL_SECONDS + 5


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A purchase that was answered with 201."""

    order: str
    sent_at: datetime
    answered_at: datetime


@dataclass
class Log:
    """What the buyers were told."""

    orders: list[Acknowledged] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one restore. rpo: seconds before the destruction since which nothing is left; lost: orders
    that were acknowledged and are gone; wrong: those that must be there and are not, or the other
    way round; rto: seconds until requests were served again, of which `restoring` for the restore
    itself."""

    name: str
    rpo: float
    lost: int
    wrong: int
    restoring: float
    rto: float
    is_verified: bool


class Shop:
    """An `up` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.backups = folder / "data", folder / "backups"
        self._key = secrets.token_urlsafe(32)
        self.port = free_port()
        ports = ("LIVE", "BANK", "GATEWAY", "MAIL", "MAIL_SMTP", "TRAFFIC")
        own = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "FILES_DIR")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in own},
            **{f"{name}_PORT": str(free_port()) for name in ports},
            "DATA_DIR": str(self.data),
            "BACKUP_DIR": str(self.backups),
            "BACKUP_KEYS": self._key,
            "PORT": str(self.port),
            "WEB_WORKERS": "1",
            "BCRYPT_ROUNDS": "4",
            "RATELIMIT_ENABLED": "false",
            "TWO_FACTOR_ABOVE": "1000000000.00",
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        self._folder = folder

    @property
    def store(self) -> Store:
        return Store(self.backups, (self._key,))

    @contextmanager
    def up(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run it until the block ends. It serves when the block begins."""
        with (self._folder / "up.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "up", "--no-demo", "--quiet"],
                env=self.environment,
                cwd=self._folder,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        try:
            assert process.stdout is not None  # noqa: S101 – it is a pipe
            if not process.stdout.readline():
                raise SystemExit((self._folder / "up.log").read_text()[-2000:])
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=60)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", "app.cli", *arguments],
            env=self.environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def call(
        self, connection: http.client.HTTPConnection, path: str, body: Any, token: str = ""
    ) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("POST", _API + path, json.dumps(body), headers)
        with connection.getresponse() as response:
            return response.status, json.loads(response.read())

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def sign_up(self, name: str, role: str) -> str:
        account = {"email": f"{name}@example.com", "password": _PASSWORD, "role": role}
        with closing(self.connect()) as connection:
            status, answer = self.call(connection, "/auth/register", account)
            assert status == 201, answer  # noqa: S101
            token = str(answer["accessToken"])
            if role == "USER":
                status, answer = self.call(
                    connection, "/wallet/deposit", {"amount": "10000.00"}, token
                )
                assert status == 200, answer  # noqa: S101
        return token

    def create_product(self, token: str) -> str:
        product = {"name": "Course", "price": "0.10", "availableUnits": 1_000_000}
        with closing(self.connect()) as connection:
            status, answer = self.call(connection, "/products", product, token)
        assert status == 201, answer  # noqa: S101
        return str(answer["id"])

    def existing(self, orders: Sequence[str]) -> set[str]:
        """Those of the orders that the database has."""
        url = running_environment(self.data)[OWNER_URL]
        with closing(psycopg.connect(url, connect_timeout=10)) as connection:
            rows = connection.execute(
                "SELECT id::text FROM orders WHERE id = ANY(%s::uuid[])", (list(orders),)
            ).fetchall()
        return {row[0] for row in rows}

    def destroy(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill everything, and delete the whole data folder, as if the machine were lost."""
        parent = psutil.Process(process.pid)
        # All at once: what outlives the others would archive what it has received.
        everything = [*parent.children(recursive=True), parent]
        for each in everything:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
        psutil.wait_procs(everything, timeout=_WAIT_SECONDS)
        shutil.rmtree(self.data)


def wait(condition: Any, *, what: str) -> None:
    ends_at = time.monotonic() + _WAIT_SECONDS
    while not condition():
        if time.monotonic() > ends_at:
            raise SystemExit(f"Waited in vain for {what}.")
        time.sleep(0.1)


@contextmanager
def purchases(shop: Shop, product: str, buyers: Sequence[str]) -> Iterator[Log]:
    """Buyers purchase one after the other until the block ends. Their answers are logged."""
    log, stopping = Log(), threading.Event()
    wanted = {"productId": product, "paymentMethod": "WALLET"}

    def buy(token: str) -> None:
        connection = shop.connect()
        while not stopping.is_set():
            sent_at = datetime.now(UTC)
            try:
                status, answer = shop.call(connection, "/orders", wanted, token)
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                stopping.wait(0.1)
                continue
            if status == 201:
                log.orders.append(Acknowledged(answer["id"], sent_at, datetime.now(UTC)))
            else:
                log.other[f"{status} {answer.get('error')} {answer.get('message')}"] += 1
        connection.close()

    threads = [threading.Thread(target=buy, args=(token,)) for token in buyers]
    for thread in threads:
        thread.start()
    try:
        yield log
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def restore(
    shop: Shop, log: Log, *, to: datetime | None, destroyed_at: datetime
) -> tuple[Outcome, str]:
    """Restore, start, verify and compare. Also returns what the command printed."""
    started = time.monotonic()
    moment = ["--to", to.isoformat()] if to else []
    result = shop.command("restore", *moment, "--yes")
    restoring = time.monotonic() - started
    if result.returncode != 0:
        raise SystemExit(result.stdout + result.stderr)
    with shop.up():
        rto = time.monotonic() - started
        existing = shop.existing([each.order for each in log.orders])
        verified = shop.command("verify").returncode == 0
    lost = [each for each in log.orders if each.order not in existing]
    if to is None:
        # What was acknowledged must be there unless it is younger than the archive may be late.
        limit = destroyed_at - timedelta(seconds=MAX_RPO)
        wrong = [each for each in lost if each.answered_at < limit]
    else:
        wrong = [each for each in lost if each.answered_at < to - _TOLERANCE]
        wrong += [
            each for each in log.orders if each.order in existing and each.sent_at > to + _TOLERANCE
        ]
    first_lost = min((each.answered_at for each in lost), default=destroyed_at)
    outcome = Outcome(
        name=f"{to:%H:%M:%S} UTC" if to else "the last archived transaction",
        rpo=max((destroyed_at - first_lost).total_seconds(), 0.0),
        lost=len(lost),
        wrong=len(wrong),
        restoring=restoring,
        rto=rto,
        is_verified=verified,
    )
    return outcome, result.stdout


def drill(*, seconds: float, show: Any) -> tuple[Log, list[Outcome]]:
    folder = Path(mkdtemp(prefix="payment-flow-drill-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user and needs access
    shop = Shop(folder)
    try:
        show("Starting a shop with its own database")
        with shop.up() as process:
            product = shop.create_product(shop.sign_up("merchant", "MERCHANT"))
            buyers = [shop.sign_up(f"buyer-{number}", "USER") for number in range(BUYERS)]
            show("Waiting for the first backup")
            wait(lambda: shop.store.bases.exists() and shop.store.backups(), what="a backup")
            show(f"{BUYERS} buyers purchase for {seconds:g} seconds")
            with purchases(shop, product, buyers) as log:
                time.sleep(seconds / 2)
                moment = datetime.now(UTC)
                time.sleep(seconds / 2)
                show("Destroying the database")
                destroyed_at = datetime.now(UTC)
                shop.destroy(process)
        show(f"{len(log.orders)} purchases were acknowledged")
        if not log.orders:
            raise SystemExit(f"Nobody could purchase: {dict(log.other)}")
        show("Restoring the last archived transaction")
        last, printed = restore(shop, log, to=None, destroyed_at=destroyed_at)
        show(printed.strip())
        show(f"Restoring {moment:%H:%M:%S} UTC")
        exact, printed = restore(shop, log, to=moment, destroyed_at=destroyed_at)
        show(printed.strip())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return log, [last, exact]


def report(log: Log, outcomes: Sequence[Outcome], console: Console) -> bool:
    """Print the results. Returns whether all of it is as it must be."""
    table = Table("restored to", "RPO", "acknowledged, lost", "wrong", "restore", "RTO", "verify")
    for each in outcomes:
        table.add_row(
            each.name,
            f"{each.rpo:.1f} s",
            str(each.lost),
            str(each.wrong),
            f"{each.restoring:.1f} s",
            f"{each.rto:.1f} s",
            "clean" if each.is_verified else "VIOLATED",
        )
    console.print(table)
    console.print(
        f"{len(log.orders)} purchases were acknowledged, {sum(log.other.values())} refused"
        f" ({', '.join(log.other) or 'none'}). RPO: seconds before the destruction whose"
        " purchases are gone. RTO: seconds until requests were served again. Wrong: purchases that"
        " must be there and are not, or the other way round."
    )
    return bool(log.orders) and all(each.wrong == 0 and each.is_verified for each in outcomes)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"{COMMAND} drill", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="drill", required=True)
    options = commands.add_parser("restore", help="destroy a cluster under load, and restore it")
    options.add_argument("--seconds", type=float, default=20, help="of purchases (default: 20)")
    given = parser.parse_args(arguments)
    console = Console(width=max(Console().width, 100))
    log, outcomes = drill(seconds=given.seconds, show=console.print)
    return 0 if report(log, outcomes, console) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
