"""Short runs against the real server, whose ledger stays consistent."""

from collections import Counter
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from app.common.settings import Settings
from bench import limits, pooler
from bench.scenarios import SCENARIOS
from bench.servers import Servers
from bench.shop import Shop
from tests import servers
from tests.live import LiveServer
from tests.pooler import needs_pgbouncer

pytestmark = pytest.mark.embedded

TABLES = (
    "orders",
    "transfers",
    "wallet_holds",
    "journal_entries",
    "wallet_transactions",
    "outbox_events",
    "idempotency_keys",
)


@pytest.fixture
def shop(settings: Settings, worker_number: int) -> Iterator[Shop]:
    secrets = {
        "JWT_ACCESS_SECRET": "a" * 32,
        "JWT_REFRESH_SECRET": "b" * 32,
        "ENCRYPTION_KEYS": "c" * 32,
    }
    with (
        servers.database(f"payment_flow_bench_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1, **secrets) as server,
    ):
        superuser_url = made.admin_url.replace("+psycopg", "")
        with psycopg.connect(superuser_url) as connection:
            postgres = psutil.Process(connection.info.backend_pid).parent()
        under_test = Servers(
            superuser_url,
            postgres,
            server.environment | {"METRICS_TOKEN": "c" * 32},
            int(server.environment["PORT"]),
            psutil.Process(server.pid),
        )
        yield Shop(under_test, buyers=5, merchants=3, long=100)


def rows(shop: Shop) -> Counter[str]:
    return Counter(
        {table: shop.servers.sql(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    )


#: Ours captures holds that it has placed before, so it places more of them.
AROUND_HOLDS = ("wallet_holds", "outbox_events", "idempotency_keys")

#: Scenarios with a limit, and the table of which each transaction inserts one row.
LIMITED = {
    "hot-product": "orders",
    "deposit": "journal_entries",
    "transfers in a circle": "transfers",
    "transfers to one": "transfers",
    "hold and capture": "journal_entries",
}


@pytest.mark.stress
def test_pgbench_writes_the_same_rows_as_ours_and_the_books_balance(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_WARM_UP", 0)
    runs = {scenario.name: scenario.run for scenario in SCENARIOS}
    for name, counted in LIMITED.items():
        written = []
        for scenario in (name, f"limit {name}"):
            before = rows(shop)
            assert not runs[scenario](shop, 0.5).wrong, scenario
            added = rows(shop) - before
            written.append({table: round(added[table] / added[counted], 2) for table in TABLES})
        ours, theirs = written
        for table in () if name != "hold and capture" else AROUND_HOLDS:
            del ours[table], theirs[table]
        assert ours == theirs, name

    for name in (
        "mixed",
        "withdrawal",
        "many-buyers",
        "fresh-connections",
        "sell-out 50/200",
        "history deep long",
        "deposit",
    ):
        assert not runs[name](shop, 0.2).wrong, name
    books = shop.servers.command("verify")
    assert books.returncode == 0, books.stdout


@pytest.mark.stress
@needs_pgbouncer
def test_purchases_through_a_pooler_are_compared_with_direct_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert pooler.main(["--seconds", "0.5", "--rounds", "1", "--workers", "1"]) == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if "prepared" in line]
    assert len(rows) >= 3
    for name, *rest in rows:
        per_second, web, through, *others = rest[-8:]
        figures = [float(text.replace(",", "")) for text in (per_second, web, *others)]
        assert min(figures) > 0
        assert float(through) == 0 or name == "PgBouncer"
