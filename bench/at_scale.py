"""`./flow bench at-scale`: lists, searches, reports and exports of a large shop, one at a time.

A million products, orders and postings of one wallet, and a hundred thousand users are inserted by
SQL, without triggers. Prints a table with targets, and writes JSON.
"""

import argparse
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from rich import box
from rich.console import Console
from rich.table import Table

from app.common.settings import COMMAND, PROJECT_ROOT
from bench import insights
from bench.first_paint import measure_first_paint
from bench.servers import Servers, start_servers
from bench.shop import Shop, User

#: Requests for each median. The first one is not counted: it plans statements.
_REPEATS = 9

# Ids are in the order of creation. Without triggers and foreign keys, which take most of the time.
_USERS = """
    SET session_replication_role = replica;
    INSERT INTO users (id, email, email_key, password_hash, role, email_public, is_active,
        created_at, updated_at)
    SELECT uuidv7(), name, name, 'x', 'USER', false, true, now(), now()
    FROM (SELECT format('buyer-%%s@scale.example.com', n) AS name
        FROM generate_series(1, %(users)s::bigint) AS n) AS u;

    INSERT INTO wallets (id, kind, user_id, currency, balance, sequence, created_at, updated_at)
    SELECT uuidv7(), 'USER', id, 'USD', 0, 0, now(), now() FROM users
    WHERE email LIKE 'buyer-%%@scale.example.com';
"""

_PRODUCTS = """
    SET session_replication_role = replica;
    INSERT INTO products (id, merchant_id, name, description, price, currency, available_units,
        initial_units, is_active, created_at, updated_at)
    SELECT uuidv7(n * interval '100 ms' - interval '2 days'),
        (%(merchants)s::uuid[])[1 + n %% 5], words[1 + n %% 8] || ' ' || md5(n::text),
        'About ' || words[1 + n / 8 %% 8] || ' ' || md5((n * 7)::text),
        100 + n * 7919 %% 100000, 'USD', 10, 10, n %% 50 <> 0, now(), now()
    FROM generate_series(1, %(rows)s::bigint) AS n, (SELECT ARRAY['Course', 'Masterclass', 'Guide',
        'Template', 'Icons', 'Música', 'Café', 'Presets'] AS words) AS w;
"""

# Over a year, all of one merchant.
_ORDERS = """
    SET session_replication_role = replica;
    CREATE TEMP TABLE buyers AS SELECT row_number() OVER () AS n, id FROM users
        WHERE email LIKE 'buyer-%%@scale.example.com';
    CREATE UNIQUE INDEX ON buyers (n);
    INSERT INTO orders (id, user_id, merchant_id, product_id, payment_method, status, quantity,
        unit_price, amount, fee, currency, completed_at, created_at, updated_at)
    SELECT uuidv7(time - now()), b.id, %(merchant)s, (%(products)s::uuid[])[1 + o.n %% 50],
        'WALLET', 'COMPLETED', 1, 1000, 1000, 25, 'USD', time, time, time
    FROM (SELECT n, now() - (%(rows)s - n) * (interval '365 days' / %(rows)s) AS time
        FROM generate_series(1, %(rows)s::bigint) AS n) AS o
    JOIN buyers b ON b.n = 1 + o.n %% (SELECT count(*) FROM buyers);
"""


@dataclass(frozen=True)
class Measured:
    """ms: median; rows: of the response, per second, for an export; target: the most ms, or the
    least rows per second."""

    name: str
    ms: float
    size: int
    target: float | None = None
    rows_per_second: float | None = None

    @property
    def is_met(self) -> bool | None:
        if self.target is None:
            return None
        if self.rows_per_second is not None:
            return self.rows_per_second >= self.target
        return self.ms <= self.target


class Client:
    """Sends requests over one connection, as a user."""

    def __init__(self, servers: Servers, user: User | None) -> None:
        self._connection = HTTPConnection("127.0.0.1", servers.port)
        self._headers = {"Authorization": f"Bearer {user.token}"} if user else {}

    def get(self, path: str, query: dict[str, Any]) -> tuple[float, Any, bytes]:
        """Seconds, headers and body. Raises SystemExit unless the status is 200."""
        started = time.perf_counter()
        self._connection.request("GET", f"{path}?{urlencode(query)}", headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {body[:300]!r}")
        return time.perf_counter() - started, response.headers, body


def main(arguments: list[str]) -> int:
    """Returns 0 if all targets are met."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench at-scale", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each large table (10⁶)")
    parser.add_argument(
        "--console", action="store_true", help="only the first paint of lists in the console"
    )
    parser.add_argument("--json", type=Path, default=PROJECT_ROOT / ".data" / "at-scale.json")
    options = parser.parse_args(arguments)
    console = Console()
    with start_servers(workers=2) as servers, console.status("inserting rows"):
        shop = Shop(servers, buyers=5, merchants=5, long=options.rows)
        sold = seed(shop, rows=options.rows, with_reports=not options.console)
        console.print(f"seeded {options.rows:,} rows of each table")
        if options.console:
            for paint in measure_first_paint(shop):
                console.print(
                    f"{paint.name}: {paint.within:,.0f} ms within the console,"
                    f" {paint.loaded:,.0f} ms when the page is loaded"
                )
            return 0
        results = list(measure(shop, options.rows, sold))
    console.print(table(results))
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    console.print(f"As JSON: {options.json}")
    return 1 if any(result.is_met is False for result in results) else 0


def seed(shop: Shop, *, rows: int, with_reports: bool) -> UUID:
    """Insert rows. Returns one of the products that were sold.

    with_reports: also the feed of transactions, and the sums that reports add up.
    """
    merchants = [merchant.id for merchant in shop.merchants]
    sold = shop.products(shop.merchants[:1] * 50)
    shop.servers.sql(_USERS, users=max(rows // 10, 1))
    shop.servers.sql(_PRODUCTS, merchants=merchants, rows=rows)
    shop.servers.sql(_ORDERS, merchant=merchants[0], products=sold, rows=rows)
    if with_reports:
        insights.seed(shop, rows=rows, product=sold[0])
    _ = shop.long_history
    shop.servers.sql("ANALYZE")
    summed = shop.servers.command("sum-sales") if with_reports else None
    if summed and summed.returncode:
        raise SystemExit(f"sum-sales failed:\n{summed.stdout}{summed.stderr}")
    for statement in ("VACUUM (ANALYZE)", "CHECKPOINT"):
        shop.servers.sql(statement)
    return sold[0]


def measure(shop: Shop, rows: int, sold: UUID) -> Iterator[Measured]:
    """sold: a product with a fiftieth of the orders."""
    merchant, holder = shop.merchants[0], shop.long_history
    catalogue, sales = "/api/v1/products", "/api/v1/orders/merchant/sales"
    history, summary = "/api/v1/wallet/transactions", "/api/v1/orders/merchant/summary"
    year = {"from": _ago(364), "to": _ago(0)}
    anyone, seller, owner = (Client(shop.servers, user) for user in (None, merchant, holder))

    def page(name: str, client: Client, path: str, most: float, **query: Any) -> Measured:
        return _page(name, client, path, query, most)

    yield page("catalogue", anyone, catalogue, 30)
    yield _next_page("catalogue, next page", anyone, catalogue, {}, 30)
    for sort in ("price", "-price", "name", "-name"):
        yield page(f"catalogue by {sort}", anyone, catalogue, 30, sort=sort)
    yield page("a price range, newest first", anyone, catalogue, 30, minPrice="5", maxPrice="5.01")
    yield page("a price range by price", anyone, catalogue, 30, minPrice="500", sort="price")
    yield page("no price in range", anyone, catalogue, 30, minPrice="5000")
    for words in ("course", "cafe", secrets.token_hex(4), "00ab3"):
        yield page(f"search: {words}", anyone, catalogue, 50, q=words)
    own = f"{catalogue}/merchant/my-products"
    yield page("own products", seller, own, 30)
    yield _next_page("own products, next page", seller, own, {}, 30)
    for sort in ("name", "price"):
        yield page(f"own products by {sort}", seller, own, 30, sort=sort)
    yield page("sales", seller, sales, 30)
    yield page("sales, oldest first", seller, sales, 30, sort="oldest")
    yield _next_page("sales, next page", seller, sales, {}, 30)
    yield page("summary of 30 days", seller, summary, 100, **{"from": _ago(30), "to": _ago(0)})
    yield page("summary of a year", seller, summary, 100, **year)
    elsewhere = year | {"timeZone": "Asia/Kathmandu"}
    yield page("summary of a year, UTC+5:45", seller, summary, 100, **elsewhere)
    of_product = elsewhere | {"productId": sold}
    yield page("summary of a product's year", seller, summary, 100, **of_product)
    yield page("history", owner, history, 30)
    yield page("history, page 1,000", owner, history, 30, page=min(1000, rows // 40))
    yield page("history of one type", owner, history, 30, type="DEPOSIT")
    yield page("history, oldest first", owner, history, 30, sort="oldest")
    operator = Client(shop.servers, shop.administrator)
    for what in ("users", "wallets", "orders"):
        yield page(f"all {what}", operator, f"/api/v1/admin/{what}", 30)
        yield page(
            f"all {what}, oldest first", operator, f"/api/v1/admin/{what}", 30, sort="oldest"
        )
    yield from measure_insights(shop)
    yield _export("export of sales", seller, f"{sales}/export", year, rows)
    yield _export("export of products", seller, f"{catalogue}/merchant/export", {}, rows // 5)
    yield _export("export of all orders", operator, "/api/v1/admin/orders/export", {}, rows)


def measure_insights(shop: Shop) -> Iterator[Measured]:
    root = "/api/v1/insights"
    users = (shop.administrator, shop.merchants[0], shop.buyers[0])
    operator, seller, buyer = (Client(shop.servers, user) for user in users)
    quarter = {"from": _ago(92), "to": _ago(0), "timeZone": "Asia/Kathmandu"}
    for name, client, path, query in (
        ("figures of the system", operator, "stats", {}),
        ("objectives", operator, "slo", {}),
        ("feed", operator, "transactions", {}),
        ("feed of a merchant", seller, "transactions", {}),
        ("feed of a buyer", buyer, "transactions", {}),
        ("sales report of 30 days", seller, "sales", {}),
        ("sales report of 30 days, UTC+5:45", seller, "sales", {"timeZone": "Asia/Kathmandu"}),
        ("sales report of 92 days, UTC+5:45", seller, "sales", quarter),
    ):
        yield _page(name, client, f"{root}/{path}", query, 20)
    yield _next_page("feed, next page", operator, f"{root}/transactions", {}, 20)


def _ago(days: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86400))


def _page(name: str, client: Client, path: str, query: dict[str, Any], most: float) -> Measured:
    """The median of several requests. Each has another limit, so none is answered from a cache."""
    spent, size = [], 0
    for number in range(_REPEATS + 1):
        limited = {"limit": 50 + number} | query if _is_list(path) else query
        seconds, _, body = client.get(path, limited)
        spent.append(seconds * 1e3)
        size = len(body)
    return Measured(name, median(spent[1:]), size, target=most)


def _is_list(path: str) -> bool:
    return not path.endswith(("/summary", "/insights/stats", "/insights/slo", "/insights/sales"))


def _next_page(
    name: str, client: Client, path: str, query: dict[str, Any], most: float
) -> Measured:
    _, headers, body = client.get(path, query)
    described = headers.get("X-Pagination")
    meta = json.loads(described) if described else json.loads(body)["meta"]
    return _page(name, client, path, query | {"cursor": meta["nextCursor"]}, most)


def _export(name: str, client: Client, path: str, query: dict[str, Any], rows: int) -> Measured:
    seconds, _, body = client.get(path, query)
    exported = body.count(b"\n") - 1
    if exported < rows // 2:
        raise SystemExit(f"{path}: {exported} rows")
    return Measured(
        name, seconds * 1e3, len(body), target=100_000, rows_per_second=exported / seconds
    )


def table(results: list[Measured]) -> Table:
    shown = Table("", "ms", "bytes", "rows/s", "target", box=box.SIMPLE_HEAD)
    for each in results:
        rate = "" if each.rows_per_second is None else f"{each.rows_per_second:,.0f}"
        verdict = "met" if each.is_met else "missed"
        target = "" if each.target is None else f"{each.target:,.0f} {verdict}"
        shown.add_row(each.name, f"{each.ms:,.1f}", f"{each.size:,}", rate, target)
    return shown
