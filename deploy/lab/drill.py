"""One drill: a client buys, something breaks, and the books are compared with what it was told."""

import http.client
import json
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from app.local.embedded import postgres as embedded
from bench.servers import Servers
from bench.shop import Shop
from deploy.lab import up as lab
from deploy.lab.books import Comparison, Outage, compare, outage
from deploy.lab.client import Answer, Client
from deploy.lab.errors import LabError
from deploy.lab.hosts import WRITES_PORT, address, endpoint
from deploy.lab.instruments import WINDOW, Observed, observe
from deploy.lab.machine import Machine
from deploy.lab.services import application, gateway
from deploy.lab.services.postgres import url

BUYERS: Final = 8
#: Seconds between two purchases of a buyer.
_PAUSE: Final = 0.2
#: Seconds of undisturbed purchases before and after.
_BEFORE_SECONDS: Final = 10
_CALM_SECONDS: Final = 5
#: Seconds until a fault is felt, and until somebody gives up.
_MOMENT: Final = 1.0
_PATIENCE_SECONDS: Final = 90
_UNITS: Final = 1_000_000


@dataclass(frozen=True)
class Result:
    """What a drill has shown. failed: requests without success, by their status and error;
    observed: what Prometheus saw."""

    name: str
    purchases: int
    failed: Counter[str]
    outage: Outage | None
    comparison: Comparison
    observed: Observed
    notes: list[str]
    problems: list[str]
    at: datetime

    @property
    def is_good(self) -> bool:
        return self.comparison.is_exact and not self.problems

    def picture(self) -> str:
        """What Prometheus saw, as SVG."""
        return self.observed.picture(f"{self.name}, as Prometheus saw it")


@dataclass
class Run:
    """A drill that runs. notes: what is remarkable; problems: what should not have happened; limit:
    of the seconds without purchases."""

    machine: Machine
    client: Client
    show: Callable[[str], None]
    fault: float = 0.0
    limit: float | None = None
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def begin(self, text: str) -> None:
        """The fault happens now."""
        self.show(text)
        self.fault = time.time()

    def until_buying(self, *, since: float | None = None) -> None:
        """Wait until a purchase succeeds that began after `since`, or a moment after the fault.

        Raises LabError.
        """
        begin = since or self.fault + _MOMENT

        def is_buying() -> bool:
            answers = list(self.client.answers[-200:])
            return any(answer.order and answer.at - answer.seconds > begin for answer in answers)

        self.machine.wait(is_buying, seconds=_PATIENCE_SECONDS, what="a purchase")

    def calm(self, seconds: float = _CALM_SECONDS) -> None:
        time.sleep(seconds)


def run_drill(
    machine: Machine, name: str, act: Callable[[Run], None], *, show: Callable[[str], None]
) -> Result:
    """Run a drill on a lab that is whole, and leave it whole. Raises LabError."""
    lab.wait_until_whole(machine)
    shop = _shop(machine)
    product = _create_product(machine, shop["merchant"], name)
    log = machine.folder / "outside" / f"{name}.jsonl"
    client = Client(
        address("gateway"),
        gateway.trusted(machine.folder),
        tokens=shop["buyers"],
        product=product,
        pause=_PAUSE,
        log=log,
    )
    run = Run(machine, client, show)
    began = time.time() + WINDOW
    client.start()
    try:
        run.calm(_BEFORE_SECONDS)
        act(run)
        run.calm()
        lab.wait_until_whole(machine)
    finally:
        client.stop()
    ended = time.time()
    answers = client.answers
    booked = [
        str(row[0])
        for row in lab.query(
            machine,
            "SELECT id FROM orders WHERE product_id = %(product)s AND status = 'COMPLETED'",
            product=product,
        )
    ]
    gap = outage(client.successes(), run.fault)
    if gap is None or (run.limit is not None and gap.seconds > run.limit):
        run.problems.append(f"purchases were not back within {run.limit or _PATIENCE_SECONDS} s")
    told = {answer.key: answer.order for answer in answers if answer.order}
    try:
        application.run(machine, "verify")
    except LabError as error:
        run.problems.append(str(error))
    return Result(
        name=name,
        purchases=len(told),
        failed=Counter(_reason(answer) for answer in answers if not answer.order),
        outage=gap,
        comparison=compare(client.keys, told, booked),
        observed=observe(began, run.fault, ended),
        notes=run.notes,
        problems=run.problems,
        at=datetime.now(UTC),
    )


def _reason(answer: Answer) -> str:
    return f"{answer.status or 'no answer'} {answer.code or ''}".strip()


def _shop(machine: Machine) -> dict[str, Any]:
    """The tokens of buyers with money and of a merchant, made once in a lab."""
    path = machine.folder / "outside" / "shop.json"
    if not path.exists():
        own = psutil.Process()
        at = endpoint("balancer", WRITES_PORT)
        servers = Servers(
            superuser_url=url(machine, embedded.SUPERUSER, embedded.DATABASE, at),
            postgres=own,
            environment=application.environment(machine, "web1"),
            port=443,
            web=own,
        )
        shop = Shop(servers, buyers=BUYERS, merchants=1, long=0)
        tokens = {
            "buyers": [buyer.token for buyer in shop.buyers],
            "merchant": shop.merchants[0].token,
        }
        machine.write("outside/shop.json", json.dumps(tokens))
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _create_product(machine: Machine, token: str, name: str) -> str:
    """A new product, so that the orders of this drill are known. Raises LabError."""
    trusted: ssl.SSLContext = gateway.trusted(machine.folder)
    connection = http.client.HTTPSConnection(address("gateway"), timeout=10, context=trusted)
    body = {"name": name, "price": "1.00", "availableUnits": _UNITS}
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"{name}-{time.time_ns()}",
    }
    connection.request("POST", "/api/v1/products", json.dumps(body), headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status != http.HTTPStatus.CREATED:
        raise LabError(f"The shop takes no product: {response.status} {text[:300]!r}")
    return str(json.loads(text)["id"])
