"""The listener for metrics of processes that serve no requests."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.common import metrics_server
from app.common.listening import listen
from tests.live import Api
from tests.metrics import TOKEN
from tests.ports import unused_port


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    port = unused_port()
    with listen("127.0.0.1", port) as listener:
        metrics_server.start(listener, TOKEN)
        yield "127.0.0.1", port


@pytest.fixture
def api(address: tuple[str, int]) -> Api:
    return Api("http://{}:{}".format(*address))


def test_the_token_opens_the_metrics(api: Api) -> None:
    answer = api.call("GET", "/metrics", token=TOKEN)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "payment_flow_transaction_retries_total" in answer.text


@pytest.mark.parametrize("header", ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9"])
def test_any_other_credential_is_refused(api: Api, header: str) -> None:
    answer = api.call("GET", "/metrics", headers={"Authorization": header})

    assert (answer.status, answer.text) == (401, "")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_there_is_nothing_else(api: Api) -> None:
    assert api.call("GET", "/", token=TOKEN).status == 404
    assert api.call("POST", "/metrics", token=TOKEN).status == 501


@contextmanager
def silent_clients(address: tuple[str, int], count: int) -> Iterator[None]:
    clients = [socket.create_connection(address) for _ in range(count)]
    try:
        yield
    finally:
        for client in clients:
            client.close()


def test_clients_that_send_nothing_take_a_limited_number_of_threads(
    api: Api, address: tuple[str, int]
) -> None:
    with silent_clients(address, 7):
        assert api.call("GET", "/metrics", token=TOKEN).status == 200
    with silent_clients(address, 20), socket.create_connection(address) as refused:
        refused.settimeout(10)
        assert refused.recv(1) == b""
