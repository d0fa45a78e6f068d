"""The application behind a transaction pooler that does not track prepared statements."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from app.common.settings import Settings
from tests import servers
from tests.concurrency import all_at_once
from tests.live import LiveServer, completed_orders, order, outcomes, sign_up_buyers, wait_until
from tests.pooler import CONNECTIONS, needs_pgbouncer, pooler

pytestmark = [pytest.mark.stress, needs_pgbouncer]

API = "/api/v1"
BUYERS, UNITS = 200, 150


@pytest.fixture
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    """Two web processes, of which only the direct URL leads to PostgreSQL itself."""
    with (
        servers.database(f"payment_flow_pooler_{worker_number}") as made,
        pooler(made.app_url) as url,
        LiveServer.start(
            settings,
            made,
            workers=2,
            DATABASE_URL=url,
            DIRECT_DATABASE_URL=made.app_url,
            DATABASE_PREPARE_THRESHOLD="0",
            DATABASE_POOL_SIZE="16",
        ) as server,
    ):
        yield server


def backends(server: LiveServer) -> int:
    """How many connections of the pooler PostgreSQL has."""
    engine = create_engine(server.database.admin_url)
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'payment-flow'"
    )
    with engine.connect() as connection:
        found = connection.scalar(statement)
    engine.dispose()
    return int(found or 0)


def test_it_sells_through_the_pooler(server: LiveServer) -> None:
    seller = server.sign_up("seller", role="MERCHANT")
    product = server.create_product(seller, price="1.00", units=UNITS)
    buyers = sign_up_buyers(server, BUYERS, balance="10.00")

    with server.worker():
        answers = all_at_once(
            lambda token: server.call("POST", f"{API}/orders", order(product), token=token), buyers
        )

        assert outcomes(answers) == {
            (201, None): UNITS,
            (400, "PRODUCT_OUT_OF_STOCK"): BUYERS - UNITS,
        }
        assert {a.json["id"] for a in answers if a.status == 201} == completed_orders(server)
        assert 0 < backends(server) <= CONNECTIONS

        # Each statement of a list, an export or a report may reach another backend.
        for path in (
            "orders/merchant/sales",
            "orders/merchant/sales/export",
            "orders/merchant/summary",
            "wallet/transactions",
        ):
            answer = server.call("GET", f"{API}/{path}", token=seller)
            assert answer.status == 200, answer.text
        assert server.call("GET", f"{API}/wallet", token=seller).json["balance"] == "150.00"

        # The relay listens at PostgreSQL itself.
        wait_until(
            lambda: server.call("GET", f"{API}/notifications", token=seller).json["data"],
            seconds=60,
        )
    verified = server.cli("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
