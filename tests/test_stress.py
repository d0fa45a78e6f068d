"""Stress tests over HTTP, against the real server with two web processes."""

import itertools
import json
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from typing import Any

import psutil
import pytest

from tests.concurrency import all_at_once
from tests.live import (
    LiveServer,
    Response,
    completed_orders,
    order,
    outcomes,
    require_alive,
    sign_up_buyers,
)

pytestmark = pytest.mark.stress

API = "/api/v1"
#: Bytes of a web process, with its part of shared memory. The benchmark measured 104 million.
MAX_MEMORY = 120_000_000
ORDERS = 1500


def call_until_served(server: LiveServer, *request: Any, token: str) -> Response:
    """Repeat a request while the server is busy. Returns the response."""
    while (answer := server.call(*request, token=token)).status == 503:
        assert answer.json["error"] == "BUSY"
        time.sleep(float(answer.headers["retry-after"]))
    return answer


def require_consistent(server: LiveServer) -> None:
    """Check that the books are consistent and that no web process uses too much memory."""
    result = server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr
    for process in server.web_processes():
        assert process.memory_full_info().pss < MAX_MEMORY


def resident(server: LiveServer) -> int:
    """Bytes of memory of all web processes together."""
    return sum(process.memory_info().rss for process in server.web_processes())


def test_200_concurrent_buyers_get_exactly_the_50_units_in_stock(live_server: LiveServer) -> None:
    seller = live_server.sign_up("seller", role="MERCHANT")
    product_id = live_server.create_product(seller, price="10.00", units=50)
    buyers = sign_up_buyers(live_server, 200, balance="10.00")

    answers = all_at_once(
        lambda token: live_server.call("POST", f"{API}/orders", order(product_id), token=token),
        buyers,
    )

    assert outcomes(answers) == {(201, None): 50, (400, "PRODUCT_OUT_OF_STOCK"): 150}
    assert {a.json["id"] for a in answers if a.status == 201} == completed_orders(live_server)
    sold_out = live_server.call("GET", f"{API}/products/{product_id}").json
    assert sold_out["availableUnits"] == 0
    assert live_server.call("GET", f"{API}/products").json == []
    wallet = live_server.call("GET", f"{API}/wallet", token=seller).json
    assert wallet["balance"] == "500.00"
    require_consistent(live_server)


def test_5000_idle_connections_do_not_delay_new_callers(live_server: LiveServer) -> None:
    """Measured beside sales: p99 of 24 ms (docs/decisions/0016-web-server.md)."""
    seller = live_server.sign_up("seller", role="MERCHANT")
    product_id = live_server.create_product(seller, price="0.01", units=5000)
    buyers = sign_up_buyers(live_server, 4, balance="50.00")
    stopped = threading.Event()
    refused = []

    def buy(token: str) -> None:
        while not stopped.is_set():
            answer = live_server.call("POST", f"{API}/orders", order(product_id), token=token)
            if answer.status != 201:
                refused.append(answer.text)

    with live_server.sent(b"", 5000) as idle:
        sales = [threading.Thread(target=buy, args=(token,)) for token in buyers]
        for sale in sales:
            sale.start()
        taken = []
        for _ in range(200):
            started = time.monotonic()
            with closing(live_server.connect()) as connection:
                require_alive(connection)
            taken.append(time.monotonic() - started)
        stopped.set()
        for sale in sales:
            sale.join()
        for silent in idle[-50:]:
            silent.setblocking(False)
            with pytest.raises(BlockingIOError):
                silent.recv(1)

    assert refused == []
    assert sorted(taken)[int(0.99 * len(taken))] < 1


def test_a_restart_under_load_cuts_off_no_request(live_server: LiveServer) -> None:
    """A request is cut off if its connection was accepted, and there is no complete response."""
    seller = live_server.sign_up("seller", role="MERCHANT")
    product_id = live_server.create_product(seller, price="0.01", units=50_000)
    buyers = sign_up_buyers(live_server, 16, balance="100.00")
    acknowledged: list[str] = []
    cut_off: list[str] = []

    def buy(number: int) -> None:
        connection = None
        while True:
            if connection is None:
                try:
                    connection = live_server.connect()
                except OSError:
                    return  # refused: it has stopped
            try:
                connection.request(
                    "POST",
                    f"{API}/orders",
                    json.dumps(order(product_id)),
                    {
                        "Authorization": f"Bearer {buyers[number]}",
                        "Content-Type": "application/json",
                    },
                )
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, HTTPException) as error:
                cut_off.append(repr(error))
                return
            if answer.status == 201:
                acknowledged.append(json.loads(text)["id"])
            if answer.will_close or number % 2:
                connection.close()
                connection = None

    shoppers = [threading.Thread(target=buy, args=(number,)) for number in range(16)]
    for shopper in shoppers:
        shopper.start()
    time.sleep(2)
    process = psutil.Process(live_server.pid)
    signalled = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    for shopper in shoppers:
        shopper.join()
    with live_server.restarted() as again:
        # The figure of a machine that has nothing else to do is in docs/reliability.md.
        assert time.monotonic() - signalled < 30
        assert again.is_ready()

    assert cut_off == []
    assert len(acknowledged) > 50
    assert set(acknowledged) == completed_orders(live_server)


def test_thousands_of_idle_connections_cost_only_memory(
    live_server: LiveServer,
) -> None:
    # Fewer than WEB_CONNECTIONS_PER_ADDRESS in both processes together.
    connections = 1000
    seller = live_server.sign_up("seller", role="MERCHANT")
    product_id = live_server.create_product(seller, price="10.00", units=50)
    buyers = sign_up_buyers(live_server, 200, balance="10.00")
    before = resident(live_server)

    with live_server.idle_connections(connections) as idle:
        # Measured: 2 KB per connection.
        assert resident(live_server) - before < connections * 20_000
        answers = all_at_once(
            lambda token: live_server.call("POST", f"{API}/orders", order(product_id), token=token),
            buyers,
        )
        require_alive(idle[-1])

    assert outcomes(answers) == {(201, None): 50, (400, "PRODUCT_OUT_OF_STOCK"): 150}
    assert {a.json["id"] for a in answers if a.status == 201} == completed_orders(live_server)


def test_a_connection_that_never_sends_anything_is_closed(live_server: LiveServer) -> None:
    connection = live_server.connect()
    connection.sock.settimeout(60)
    assert connection.sock.recv(1) == b""  # after 30 seconds
    connection.close()


def test_concurrent_deposits_and_withdrawals_are_all_counted(live_server: LiveServer) -> None:
    token = live_server.sign_up("saver")

    def move(operation: str, amount: str) -> Callable[[Any], Response]:
        return lambda _: live_server.call(
            "POST", f"{API}/wallet/{operation}", {"amount": amount}, token=token
        )

    deposited = all_at_once(move("deposit", "10.00"), range(100))
    assert outcomes(deposited) == {(200, None): 100}
    assert live_server.call("GET", f"{API}/wallet", token=token).json["balance"] == "1000.00"

    withdrawn = all_at_once(move("withdraw", "1000.00"), range(32))
    assert outcomes(withdrawn) == {(200, None): 1, (400, "INSUFFICIENT_FUNDS"): 31}
    assert live_server.call("GET", f"{API}/wallet", token=token).json["balance"] == "0.00"
    require_consistent(live_server)


def test_concurrent_requests_with_one_idempotency_key_buy_once(live_server: LiveServer) -> None:
    seller = live_server.sign_up("seller", role="MERCHANT")
    product_id = live_server.create_product(seller, price="10.00", units=50)
    buyer = live_server.sign_up("buyer", balance="500.00")

    answers = all_at_once(
        lambda _: live_server.call(
            "POST",
            f"{API}/orders",
            order(product_id),
            token=buyer,
            headers={"Idempotency-Key": "the-same-key"},
        ),
        range(50),
    )

    assert set(outcomes(answers)) <= {(201, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    assert len({answer.text for answer in answers if answer.status == 201}) == 1
    assert len(completed_orders(live_server)) == 1
    require_consistent(live_server)


def test_no_order_is_lost_or_duplicated_when_web_processes_are_killed(
    live_server: LiveServer,
) -> None:
    """Buyers retry requests without a response with the same key, as clients should."""
    sellers = [live_server.sign_up(f"seller-{n}", role="MERCHANT") for n in range(5)]
    products = [live_server.create_product(s, price="0.02", units=50_000) for s in sellers * 4]
    buyers = sign_up_buyers(live_server, 40, balance="1000.00")
    acknowledged: list[str] = []
    lost = itertools.count()
    stopped = threading.Event()

    def buy(number: int) -> str:
        """Send the request until the order is created. Returns its id."""
        key = {"Idempotency-Key": f"order-{number}"}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = live_server.call(
                    "POST",
                    f"{API}/orders",
                    order(products[number % 20]),
                    token=buyers[number % 40],
                    headers=key,
                )
            except OSError:
                next(lost)
            else:
                if answer.status == 201:
                    return str(answer.json["id"])
                # Busy, or the request of the killed process still holds the key.
                assert answer.status in (409, 503), answer.text
            time.sleep(0.05)
        raise AssertionError(f"order-{number} was not created in time")

    def place_orders(start: int) -> None:
        for number in itertools.count(start, 16):
            acknowledged.append(buy(number))
            if stopped.is_set():
                return

    shoppers = [threading.Thread(target=place_orders, args=(n,)) for n in range(16)]
    for shopper in shoppers:
        shopper.start()
    for _ in range(2):
        time.sleep(6)
        random.choice(live_server.web_processes()).kill()
    time.sleep(2)
    stopped.set()
    for shopper in shoppers:
        shopper.join()

    assert next(lost) > 0
    assert len(acknowledged) == len(set(acknowledged)) > 100
    assert set(acknowledged) == completed_orders(live_server)
    assert live_server.cli("verify").returncode == 0


def test_after_many_mixed_requests_the_books_are_consistent(live_server: LiveServer) -> None:
    seller = live_server.sign_up("seller", role="MERCHANT")
    products = [live_server.create_product(seller, price="1.00", units=10_000) for _ in range(20)]
    buyers = sign_up_buyers(live_server, 32, balance="1000.00")

    def send_requests(number: int) -> list[int]:
        token, product_id = buyers[number % 32], products[number % 20]
        return [
            call_until_served(live_server, method, API + path, body, token=token).status
            for method, path, body in (
                ("GET", "/products?limit=100", None),
                ("GET", f"/products/{product_id}", None),
                ("POST", "/orders", order(product_id)),
                ("POST", "/wallet/deposit", {"amount": "1.00"}),
                ("GET", "/wallet/transactions?limit=100", None),
                ("GET", "/orders?limit=100", None),
                ("POST", "/orders", {"productId": "nonsense"}),
            )
        ]

    visits = all_at_once(send_requests, range(600))

    assert {tuple(statuses) for statuses in visits} == {(200, 200, 201, 200, 200, 200, 400)}
    assert len(completed_orders(live_server)) == 600
    assert live_server.cli("verify").returncode == 0
