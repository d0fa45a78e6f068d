"""Money in circles, over HTTP from outside, against the real server with two web processes."""

import itertools
import threading
import time
from collections import Counter

import pytest
from sqlalchemy import create_engine, text

from tests.concurrency import all_at_once
from tests.live import Answer, LiveServer, outcomes, sign_up_all

pytestmark = pytest.mark.stress

WALLETS = 20
EACH = "50.00"
SECONDS = 60


class Watcher:
    """Reads what all wallets hold together, in one statement, again and again until it is told."""

    def __init__(self, url: str) -> None:
        self.seen: Counter[int] = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(url,))

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self, url: str) -> None:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            total = text("SELECT sum(balance)::bigint FROM wallets WHERE kind = 'USER'")
            while not self._over.is_set():
                self.seen[connection.execute(total).scalar_one()] += 1
        engine.dispose()


def test_20_wallets_send_in_circles_for_a_minute(live_server: LiveServer) -> None:
    """Everybody to both neighbours and across, more than they have now and then."""
    tokens = sign_up_all(live_server, WALLETS, balance=EACH)
    numbers = [
        live_server.call("GET", "/api/v1/wallet", token=token).json["number"] for token in tokens
    ]
    over = time.monotonic() + SECONDS

    def circle(place: int) -> list[Answer]:
        answers = []
        for turn, step in enumerate(itertools.cycle((1, -1, 1, 7, -1, 10))):
            if time.monotonic() > over:
                break
            body = {
                "recipient": {"walletNumber": numbers[(place + step) % WALLETS]},
                "amount": f"{turn % 29 + 1}.{turn % 100:02}",
            }
            answers.append(live_server.call("POST", "/api/v1/transfers", body, token=tokens[place]))
        return answers

    with Watcher(live_server.database.app_url) as watcher:
        answers = [a for each in all_at_once(circle, range(WALLETS)) for a in each]

    counts = outcomes(answers)
    assert set(counts) == {(201, None), (400, "INSUFFICIENT_FUNDS")}
    assert counts[201, None] > 1000
    assert set(watcher.seen) == {WALLETS * 5000}
    assert watcher.seen.total() > 1000
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr
