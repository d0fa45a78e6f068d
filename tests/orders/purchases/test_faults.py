"""Purchases while two web processes of the real server compete, stop or are killed.

Faults within one process are covered by test_batcher.py, and the queue by
tests/common/test_batch_executor.py.
"""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
import pytest
from sqlalchemy import Engine, create_engine, text

from app.common import db, process_state
from app.common.database import Database
from app.common.settings import Settings
from tests import servers
from tests.concurrency import all_at_once, broken_invariants
from tests.live import (
    LiveServer,
    Response,
    completed_orders,
    order,
    outcomes,
    sign_up_buyers,
    wait_until,
)
from tests.servers import TestDatabase

#: `verify` runs in this process, which the application has to configure.
pytestmark = pytest.mark.usefixtures("worker_app")

BUYERS = 20

#: Makes each COMMIT with an order wait while the advisory lock 4711 is held exclusively.
HOLD_COMMITS = """
CREATE FUNCTION hold_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER hold_commit AFTER INSERT ON orders
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold_commit();
"""


@dataclass(frozen=True)
class Shop:
    """One product, and buyers who can afford ten units and buy one."""

    server: LiveServer
    engine: Engine
    product_id: str
    units: int
    buyers: list[str]

    @classmethod
    @contextmanager
    def open(
        cls, settings: Settings, database: TestDatabase, *, units: int = 50, buyers: int = BUYERS
    ) -> Iterator["Shop"]:
        # The application's role, because it sees what its own connections wait for.
        engine = create_engine(database.app_url)
        with ExitStack() as cleanup:
            cleanup.callback(engine.dispose)
            server = cleanup.enter_context(LiveServer.start(settings, database, workers=2))
            seller = server.sign_up("seller", role="MERCHANT")
            product_id = server.create_product(seller, price="10.00", units=units)
            tokens = sign_up_buyers(server, buyers, balance="100.00")
            shop = cls(server, engine, product_id, units, tokens)
            wait_until(shop._all_processes_are_connected)
            yield shop

    def _all_processes_are_connected(self) -> bool:
        """Whether each process has handled a request and connected to the database."""
        self.server.call("GET", "/health/ready")
        port = self.engine.url.port or 5432
        return all(
            any(one.raddr and one.raddr.port == port for one in process.net_connections())
            for process in self.server.web_processes()
        )

    def buy(self, number: int) -> Response | None:
        """The response to a buyer's purchase, always with the same key; None without a response."""
        try:
            return self.server.call(
                "POST",
                "/api/v1/orders",
                order(self.product_id),
                token=self.buyers[number],
                headers={"Idempotency-Key": f"order-{number}"},
            )
        except OSError:
            return None

    def buy_until_created(self, number: int) -> str:
        """The id of the buyer's order; retries until the order is confirmed."""
        return self.until_created(self.buy, number)

    @staticmethod
    def until_created(send: Callable[[int], Response | None], number: int) -> str:
        """The id in the response; repeats the request until it is confirmed."""
        deadline = time.monotonic() + 30
        while (answer := send(number)) is None or answer.status != 201:
            # Busy, or the killed process still holds the key's claim.
            assert answer is None or answer.status in (409, 503), answer.text
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return str(answer.json["id"])

    @contextmanager
    def locked(self, statement: str) -> Iterator[None]:
        """Hold the lock that `statement` acquires."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), {"product_id": self.product_id})
            yield

    def waiting(self, lock: str) -> dict[int, int]:
        """The backends that wait for a lock of this kind: PID → client port."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT pid, client_port FROM pg_stat_activity WHERE wait_event = :lock"
                    " AND wait_event_type = 'Lock' AND datname = current_database()"
                ),
                {"lock": lock},
            )
            return dict(iter(rows))

    def web_process(self, port: int) -> psutil.Process:
        """The web process whose database connection has this local port."""
        (found,) = (
            process
            for process in self.server.web_processes()
            if any(one.laddr and one.laddr.port == port for one in process.net_connections())
        )
        return found

    def require_sound_books(self) -> None:
        """All invariants hold."""
        database = Database(self.server.database.app_url, pool_size=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(process_state._values, db.current.name, database)
            found = broken_invariants()
        database.dispose()
        assert found == []

    def require_consistent(self) -> None:
        """The books balance, and each buyer paid for at most one order."""
        with self.engine.connect() as connection:
            inconsistent = connection.scalars(
                text(
                    "SELECT u.email FROM users u JOIN wallets w ON w.user_id = u.id"
                    " LEFT JOIN orders o ON o.user_id = u.id WHERE u.role = 'USER'"
                    " GROUP BY u.id, w.id"
                    " HAVING count(o.id) > 1 OR w.balance <> 10000 - 1000 * count(o.id)"
                )
            )
            assert inconsistent.all() == []
            left = connection.scalar(text("SELECT available_units FROM products"))
        assert left == self.units - len(completed_orders(self.server))
        self.require_sound_books()


LEDGER_LOCK = "LOCK TABLE money_gate IN SHARE UPDATE EXCLUSIVE MODE"
PRODUCT = "SELECT FROM products WHERE id = :product_id FOR UPDATE"
COMMIT = "SELECT pg_advisory_xact_lock(4711)"


def test_two_processes_sell_each_unit_once(settings: Settings, worker_number: int) -> None:
    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        Shop.open(settings, made, units=20, buyers=60) as shop,
    ):
        answers = [one for one in all_at_once(shop.buy, range(60)) if one is not None]

        assert outcomes(answers) == {(201, None): 20, (400, "PRODUCT_OUT_OF_STOCK"): 40}
        sold = {answer.json["id"] for answer in answers if answer.status == 201}
        assert sold == completed_orders(shop.server)
        shop.require_consistent()


@contextmanager
def database(number: int, *, checked_every: str) -> Iterator[TestDatabase]:
    """A database with HOLD_COMMITS. checked_every: how often it checks that a client is alive."""
    with servers.database(f"payment_flow_live_{number}") as made:
        engine = create_engine(made.owner_url)
        with engine.begin() as connection:
            connection.execute(text(HOLD_COMMITS))
            name = connection.dialect.identifier_preparer.quote(str(engine.url.database))
            setting = f"client_connection_check_interval = '{checked_every}'"
            connection.execute(text(f"ALTER DATABASE {name} SET {setting}"))
        engine.dispose()
        yield made


@pytest.mark.parametrize(
    ("what", "lock", "checked_every", "sold"),
    [
        pytest.param(
            PRODUCT,
            "transactionid",
            "100ms",
            False,
            id="before the write",
            marks=pytest.mark.stress,
        ),
        pytest.param(
            COMMIT,
            "advisory",
            "100ms",
            False,
            id="during a commit that is rolled back",
            marks=pytest.mark.stress,
        ),
        pytest.param(COMMIT, "advisory", "0", True, id="during a commit that succeeds"),
    ],
)
def test_killing_a_process_neither_loses_nor_repeats_a_purchase(
    settings: Settings, worker_number: int, what: str, lock: str, checked_every: str, sold: bool
) -> None:
    """checked_every: with 0, PostgreSQL does not notice the killed client and commits."""
    with (
        database(worker_number, checked_every=checked_every) as made,
        Shop.open(settings, made) as shop,
        ThreadPoolExecutor(BUYERS) as pool,
    ):
        with shop.locked(what):
            with shop.locked(LEDGER_LOCK):
                first = [pool.submit(shop.buy, number) for number in range(BUYERS)]
                wait_until(lambda: shop.waiting("relation"))
                time.sleep(0.5)  # meanwhile, the other purchases are queued
            wait_until(lambda: shop.waiting(lock))
            ((backend, port),) = shop.waiting(lock).items()
            shop.web_process(port).kill()
            if not sold:
                wait_until(lambda: backend not in shop.waiting(lock))
        answers = [answer for one in first if (answer := one.result()) is not None]

        acknowledged = {answer.json["id"] for answer in answers if answer.status == 201}
        assert len(answers) < BUYERS
        assert set(outcomes(answers)) <= {(201, None), (503, "BUSY")}
        if sold:
            wait_until(lambda: completed_orders(shop.server) > acknowledged)
        else:
            assert completed_orders(shop.server) == acknowledged

        ids = set(pool.map(shop.buy_until_created, range(BUYERS)))
        assert len(ids) == BUYERS
        assert acknowledged < ids == completed_orders(shop.server)
        shop.require_consistent()


@pytest.mark.stress
def test_a_shutdown_completes_every_accepted_purchase(
    settings: Settings, worker_number: int
) -> None:
    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        Shop.open(settings, made) as shop,
        ThreadPoolExecutor(BUYERS) as pool,
    ):
        with shop.locked(LEDGER_LOCK):
            accepted = [pool.submit(shop.buy, number) for number in range(15)]
            wait_until(lambda: shop.waiting("relation"))
            time.sleep(1)  # meanwhile, the other purchases are queued
            psutil.Process(shop.server.pid).send_signal(signal.SIGTERM)
            time.sleep(0.3)
            too_late = [pool.submit(shop.buy, number) for number in range(15, BUYERS)]
            time.sleep(0.2)
        answers = [one.result() for one in accepted]
        assert psutil.Process(shop.server.pid).wait(20) == 0

        assert None not in answers
        others = [answer for one in too_late if (answer := one.result()) is not None]
        answered = [answer for answer in answers if answer is not None] + others
        assert outcomes(answered) == {(201, None): len(answered)}
        assert {answer.json["id"] for answer in answered} == completed_orders(shop.server)
        shop.require_consistent()
