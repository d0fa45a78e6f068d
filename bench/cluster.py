"""A database on hosts with limited CPU, web servers on others, and a shop in it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # publishes no types
from psycopg import sql

from app.local.embedded import PostgresServer
from app.local.processes import free_port
from bench import http_requests, replicas
from bench.hosts import Host, hosts, unlimited
from bench.measurement import load
from bench.servers import DURABLE, SERVE, Servers, Stores, start_stores, web_server
from bench.shop import Shop

#: Of the primary and its replicas. What a replica has missed while it did not follow is kept.
_SETTINGS: Final = {"wal_keep_size": "8GB", "wal_retrieve_retry_interval": "200ms"}
_SYNCHRONOUS: Final = "ANY 1 (*)"
_FOLLOW_SECONDS: Final = 120.0

_BUYERS: Final = 1000
#: Of the merchant who lists them, to the buyers who list their movements.
_SALES: Final = 2000

_FOLLOWERS: Final = """
    SELECT count(*) FILTER (WHERE state = 'streaming' AND replay_lsn >= pg_current_wal_flush_lsn()
        AND (sync_state = 'quorum') = (current_setting('synchronous_standby_names') <> '')),
        count(*)
    FROM pg_stat_replication
"""


@dataclass(frozen=True)
class Setup:
    """How many replicas follow the primary, and whether a commit waits for one of them."""

    replicas: int
    synchronous: bool = False

    @property
    def name(self) -> str:
        hosts = f"{self.replicas + 1} host{'s' if self.replicas else ''}"
        return f"{hosts}, synchronous" if self.synchronous else hosts


@dataclass(frozen=True)
class Cluster:
    """webs: for each number of replicas, a server on each web host, which reads from them;
    unlimited: the group of what has no host."""

    shop: Shop
    unlimited: Path
    databases: Sequence[Host]
    web_hosts: Sequence[Host]
    webs: Sequence[Sequence[Servers]]
    primary: PostgresServer
    copies: Sequence[PostgresServer]

    def use(self, setup: Setup) -> None:
        """Have the replicas follow, or not, and wait until they have what is written."""
        self._set(self.primary, "synchronous_standby_names", "")
        for number, copy in enumerate(self.copies):
            source = replicas.connection_info(self.primary) if number < setup.replicas else ""
            self._set(copy, "primary_conninfo", source)
        if setup.synchronous:
            self._set(self.primary, "synchronous_standby_names", _SYNCHRONOUS)
        ends_at = time.monotonic() + _FOLLOW_SECONDS
        while self.shop.servers.sql(_FOLLOWERS) != [(setup.replicas, setup.replicas)]:
            if time.monotonic() > ends_at:
                raise SystemExit("The replicas do not follow the primary.")
            time.sleep(0.1)

    def purchases(self) -> list[str]:
        """Of one product, by half of the buyers."""
        shop = self.shop
        return [http_requests.purchase(each, shop.hot) for each in shop.buyers[: _BUYERS // 2]]

    def reads(self) -> list[str]:
        """In turn the history of a buyer of the other half, and the sales of a merchant."""
        sales = http_requests.get("/api/v1/orders/merchant/sales?limit=20", self.shop.merchants[1])
        return [
            request
            for buyer in self.shop.buyers[_BUYERS // 2 :]
            for request in (
                http_requests.get("/api/v1/wallet/transactions?limit=20", buyer),
                sales,
            )
        ]

    def _set(self, server: PostgresServer, name: str, value: str) -> None:
        url = server.superuser_url
        change = sql.SQL("ALTER SYSTEM SET {} = {}").format(
            sql.Identifier(name), sql.Literal(value)
        )
        servers = replace(self.shop.servers, superuser_url=url)
        servers.sql(change.as_string())
        servers.sql("SELECT pg_reload_conf()")


@contextmanager
def start_cluster(*, web: int, copies: int, cores: float) -> Iterator[Cluster]:
    """Start a primary with `copies` replicas, and `web` web processes, on a host each.

    cores: of a host. Raises SystemExit if CPU cannot be limited.
    """
    names = [
        *(f"database-{number + 1}" for number in range(copies + 1)),
        *(f"web-{number + 1}" for number in range(web)),
    ]
    with ExitStack() as cleanup:
        rest = cleanup.enter_context(unlimited())
        limited = cleanup.enter_context(hosts(*names, cores=cores))
        databases, web_hosts = limited[: copies + 1], limited[copies + 1 :]
        stores = cleanup.enter_context(start_stores(**_SETTINGS))
        made = []
        for number in range(copies):
            folder = stores.folder / f"replica-{number + 1}"
            made.append(replicas.copy(stores.postgres, folder, settings=DURABLE | _SETTINGS))
            cleanup.callback(made[-1].stop)
        webs = [
            [_start_web(cleanup, stores, made[:count]) for _ in range(web)]
            for count in range(copies + 1)
        ]
        cluster = Cluster(
            _shop(webs[0][0]), rest, databases, web_hosts, webs, stores.postgres, made
        )
        for host, server in zip(databases, (stores.postgres, *made), strict=True):
            host.add(psutil.Process(server.pid))
        for each in webs:
            for host, servers in zip(web_hosts, each, strict=True):
                host.add(servers.web)
        try:
            yield cluster
        finally:
            cluster.use(Setup(0))  # nothing waits for replicas that are stopped


def _start_web(cleanup: ExitStack, stores: Stores, copies: Sequence[PostgresServer]) -> Servers:
    """Start a web process that reads from these replicas."""
    port = free_port()
    environment = stores.environment | {"PORT": str(port), "WEB_WORKERS": "1"}
    if copies:
        login, _, rest = copies[0].app_url.partition("@")
        addresses = ",".join(f"127.0.0.1:{copy.port}" for copy in copies)
        url = f"{login}@{addresses}/{rest.partition('/')[2]}?load_balance_hosts=random"
        environment["REPLICA_DATABASE_URL"] = url
    web = cleanup.enter_context(web_server(SERVE, environment, "/health/ready", stores.folder))
    postgres = psutil.Process(stores.postgres.pid)
    return Servers(stores.superuser_url, postgres, environment, port, web)


def _shop(servers: Servers) -> Shop:
    shop = Shop(servers, buyers=_BUYERS, merchants=2, long=0)
    (listed,) = shop.products(shop.merchants[1:])
    buyers = islice(cycle(shop.buyers[_BUYERS // 2 :]), _SALES)
    sales = [http_requests.purchase(buyer, listed) for buyer in buyers]
    load(servers, sales, seconds=None, expected={"201"})
    servers.sql("VACUUM (ANALYZE)")
    return shop
