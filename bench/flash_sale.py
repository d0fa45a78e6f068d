"""A flash sale: many buyers buy in the demo shop at the same time, over HTTP.

    TWO_FACTOR_ABOVE=1000000 ./flow up &         # RATELIMIT_ENABLED=false for many orders
    .venv/bin/python bench/flash_sale.py --orders 2000

Signs the demo buyers in, tops up their wallets and sends `--orders` purchases of random products
over `--clients` connections. Prints the outcomes and what each merchant earned, taken from the
merchant's own list of sales. `./flow verify` then checks the books.
"""

import argparse
import http.client
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.demo.catalogue import PASSWORD, SHOPS
from app.demo.people import BUYERS

_local = threading.local()


class Client:
    """One keep-alive connection per thread."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80

    def call(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """The status and the parsed body of the response. path: below /api/v1."""
        connection = getattr(_local, "connection", None)
        if connection is None:
            connection = _local.connection = http.client.HTTPConnection(self.host, self.port, 60)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body) if body is not None else None
        connection.request(method, "/api/v1" + path, data, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def sign_in(self, email: str) -> str:
        status, body = self.call("POST", "/auth/login", {"email": email, "password": PASSWORD})
        if status != 200:
            raise SystemExit(f"{email} cannot sign in: {body['message']}")
        return str(body["accessToken"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:3000")
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    client, console = Client(options.url), Console()

    with console.status("signing in"):
        buyers = [client.sign_in(buyer.email) for buyer in BUYERS]
        merchants = {shop: client.sign_in(shop.owner.email) for shop in SHOPS}
        for token in buyers:
            client.call("POST", "/wallet/deposit", {"amount": "5000.00"}, token)
        before = {shop: sales(client, token) for shop, token in merchants.items()}
        _, products = client.call("GET", "/products?limit=100")

    outcomes: Counter[str] = Counter()
    rng = random.Random(20261121)  # noqa: S311 – picks products, guards nothing
    plan = [(rng.choice(buyers), rng.choice(products)["id"]) for _ in range(options.orders)]

    def buy(purchase: tuple[str, str]) -> float:
        token, product_id = purchase
        started = time.perf_counter()
        status, body = client.call(
            "POST", "/orders", {"productId": product_id, "paymentMethod": "WALLET"}, token
        )
        outcomes[body.get("error") or f"{status} {body['status']}"] += 1
        return time.perf_counter() - started

    started = time.perf_counter()
    with (
        Progress(console=console, transient=True) as progress,
        ThreadPoolExecutor(options.clients) as pool,
    ):
        times = sorted(progress.track(pool.map(buy, plan), total=len(plan)))
    seconds = time.perf_counter() - started

    console.print(
        f"{options.orders} purchases over {options.clients} connections in {seconds:.1f} s:"
        f" {options.orders / seconds:.0f}/s, p50 {times[len(times) // 2] * 1e3:.0f} ms,"
        f" p99 {times[int(len(times) * 0.99)] * 1e3:.0f} ms"
    )
    console.print(", ".join(f"{name}: {count}" for name, count in outcomes.most_common()))
    table = Table("Merchant", "Orders", "Units", "Earned")
    for shop, token in merchants.items():
        after = sales(client, token)
        orders, units = (after[n] - before[shop][n] for n in (0, 1))
        name = f"{shop.owner.first_name} {shop.owner.last_name}"
        table.add_row(name, str(orders), str(units), f"${after[2] - before[shop][2]}")
    console.print(table)


def sales(client: Client, token: str) -> tuple[int, int, Decimal]:
    """Orders, units and revenue of a merchant, from all pages of the list of sales."""
    units, earned, path, total = 0, Decimal(0), "/orders/merchant/sales?limit=100", 0
    while True:
        _, page = client.call("GET", path, token=token)
        total = page["meta"]["total"]
        units += sum(order["quantity"] for order in page["data"])
        earned += sum(Decimal(order["amount"]) for order in page["data"])
        if page["meta"]["nextCursor"] is None:
            return total, units, earned
        path = f"/orders/merchant/sales?limit=100&cursor={page['meta']['nextCursor']}"


if __name__ == "__main__":
    main()
