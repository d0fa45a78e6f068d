"""Movements of all kinds in one batch, whose leading process is killed."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from app.common.settings import Settings
from tests.live import Response, wait_until
from tests.orders.purchases.test_faults import COMMIT, LEDGER_LOCK, PRODUCT, Shop, database

#: `verify` runs in this process, which the application has to configure.
pytestmark = pytest.mark.usefixtures("worker_app")

BUYERS = 6


@dataclass(frozen=True)
class Movements:
    """For each buyer a purchase, a transfer, a deposit and a hold, each with a key of its own."""

    shop: Shop
    merchant_id: str

    def send(self, number: int) -> Response | None:
        """number: of the movement, four for each buyer. None without a response."""
        buyer, kind = divmod(number, 4)
        if kind == 0:
            return self.shop.buy(buyer)
        path, body = self._other(kind)
        try:
            return self.shop.server.call(
                "POST",
                f"/api/v1{path}",
                body,
                token=self.shop.buyers[buyer],
                headers={"Idempotency-Key": f"movement-{number}"},
            )
        except OSError:
            return None

    def _other(self, kind: int) -> tuple[str, dict[str, Any]]:
        to_merchant = {"recipient": {"userId": self.merchant_id}, "amount": "1.00"}
        return {
            1: ("/transfers", to_merchant),
            2: ("/wallet/deposit", {"amount": "2.00"}),
            3: ("/wallet/holds", {"payeeId": self.merchant_id, "amount": "3.00"}),
        }[kind]

    def until_done(self, number: int) -> str:
        """The whole response, which is the same however often it is sent."""
        deadline = time.monotonic() + 30
        while (answer := self.send(number)) is None or answer.status not in (200, 201):
            assert answer is None or answer.status in (409, 503), answer.text
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return answer.text


@pytest.mark.parametrize(
    ("what", "lock", "checked_every"),
    [
        pytest.param(PRODUCT, "transactionid", "100ms", id="before the write"),
        pytest.param(
            COMMIT,
            "advisory",
            "100ms",
            id="during a commit that is rolled back",
            marks=pytest.mark.stress,
        ),
        pytest.param(
            COMMIT, "advisory", "0", id="during a commit that succeeds", marks=pytest.mark.stress
        ),
    ],
)
def test_killing_the_leader_neither_loses_nor_repeats_a_movement(
    settings: Settings, worker_number: int, what: str, lock: str, checked_every: str
) -> None:
    """checked_every: with 0, PostgreSQL does not notice the killed client and commits."""
    with (
        database(worker_number, checked_every=checked_every) as made,
        Shop.open(settings, made, buyers=BUYERS) as shop,
        ThreadPoolExecutor(4 * BUYERS) as pool,
    ):
        with shop.engine.connect() as connection:
            merchant = connection.scalar(text("SELECT id FROM users WHERE role = 'MERCHANT'"))
        movements = Movements(shop, str(merchant))
        with shop.locked(what):
            with shop.locked(LEDGER_LOCK):
                first = [pool.submit(movements.send, number) for number in range(4 * BUYERS)]
                wait_until(lambda: shop.waiting("relation"))
                time.sleep(0.5)  # meanwhile, the other movements are queued
            wait_until(lambda: shop.waiting(lock))
            ((backend, port),) = shop.waiting(lock).items()
            shop.web_process(port).kill()
            if checked_every != "0":
                wait_until(lambda: backend not in shop.waiting(lock))
        answered = {
            number: answer.text
            for number, one in enumerate(first)
            if (answer := one.result()) is not None and answer.status in (200, 201)
        }
        assert len(answered) < 4 * BUYERS

        done = list(pool.map(movements.until_done, range(4 * BUYERS)))

        assert all(done[number] == body for number, body in answered.items())
        with shop.engine.connect() as connection:
            wallets = connection.execute(
                text(
                    "SELECT w.balance, w.held FROM wallets w JOIN users u ON u.id = w.user_id"
                    " ORDER BY u.role, w.balance"
                )
            ).all()
        # 10.00 earned by and 1.00 sent to the merchant from each buyer, who began with 100.00.
        assert [tuple(row) for row in wallets] == [
            (BUYERS * 1100, 0),
            *[(10000 - 1000 - 100 + 200, 300)] * BUYERS,
        ]
        shop.require_sound_books()
