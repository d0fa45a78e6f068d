"""Transfers between 20 wallets, over HTTP against the real server with two web processes."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from app.common.settings import Settings
from tests import servers
from tests.concurrency import all_at_once
from tests.live import LiveServer, Response, outcomes, sign_up_buyers

pytestmark = pytest.mark.stress

WALLETS = 20
INITIAL_BALANCE = "50.00"
SECONDS = 60


class TotalReader:
    """Reads the total balance in one statement, repeatedly until the end of the block."""

    def __init__(self, url: str) -> None:
        self.seen: Counter[int] = Counter()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(url,))

    def __enter__(self) -> "TotalReader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _read(self, url: str) -> None:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            total = text("SELECT sum(balance)::bigint FROM wallets WHERE kind = 'USER'")
            while not self._done.is_set():
                self.seen[connection.execute(total).scalar_one()] += 1
        engine.dispose()


@pytest.fixture
def live_server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    """Like the shared fixture, but without a second factor, which 20 senders would soon need."""
    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        LiveServer.start(settings, made, workers=2, TWO_FACTOR_ABOVE="1000000") as server,
    ):
        yield server


def test_the_total_balance_is_constant_for_a_minute_of_transfers(live_server: LiveServer) -> None:
    """Some transfers exceed the balance of their sender."""
    tokens = sign_up_buyers(live_server, WALLETS, balance=INITIAL_BALANCE)
    numbers = [
        live_server.call("GET", "/api/v1/wallet", token=token).json["number"] for token in tokens
    ]
    deadline = time.monotonic() + SECONDS

    def send_to_neighbours(index: int) -> list[Response]:
        answers = []
        for turn, step in enumerate(itertools.cycle((1, -1, 1, 7, -1, 10))):
            if time.monotonic() > deadline:
                break
            body = {
                "recipient": {"walletNumber": numbers[(index + step) % WALLETS]},
                "amount": f"{turn % 29 + 1}.{turn % 100:02}",
            }
            answers.append(live_server.call("POST", "/api/v1/transfers", body, token=tokens[index]))
        return answers

    with TotalReader(live_server.database.app_url) as reader:
        answers = [a for each in all_at_once(send_to_neighbours, range(WALLETS)) for a in each]

    counts = outcomes(answers)
    assert set(counts) == {(201, None), (400, "INSUFFICIENT_FUNDS")}
    assert counts[201, None] > 1000
    assert set(reader.seen) == {WALLETS * 5000}
    assert reader.seen.total() > 1000
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr
