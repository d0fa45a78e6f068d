"""Every event is delivered repeatedly, some are forged, and the worker is killed meanwhile."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import redis
from sqlalchemy import create_engine, text

from app.banks.providers import from_settings
from app.common.settings import Settings
from tests.banks.webhooks import event_body, new_event_id, signed_headers
from tests.concurrency import all_at_once
from tests.live import LiveServer, Response, outcomes, wait_until

pytestmark = pytest.mark.stress

ONRAMP = "/api/v1/onramp"
BUYERS, EACH = 20, 50
FORGED = 100
AMOUNT = Decimal("2.50")


@pytest.fixture
def keys(settings: Settings) -> dict[str, bytes]:
    """The key of each bank, with an empty queue."""
    redis.Redis.from_url(str(settings.redis_url)).flushdb()
    return {bank.code: bank.keys[0] for bank in from_settings(settings)}


class StressRun:
    """1,000 on-ramps of 20 buyers, and what the banks send about them."""

    def __init__(self, server: LiveServer, keys: dict[str, str]) -> None:
        self.server = server
        self.keys = keys
        self.tokens = [server.sign_up(f"buyer-{number}") for number in range(BUYERS)]
        self.user_ids = [
            server.call("GET", "/api/v1/auth/me", token=token).json["id"] for token in self.tokens
        ]
        numbers = range(BUYERS * EACH)
        self.onramps = all_at_once(self._create, numbers, threads=8)
        forged = random.sample(numbers, FORGED)
        self.with_wrong_key = set(forged[::2])
        self.with_wrong_amount = set(forged[1::2])

    def _create(self, number: int) -> dict[str, Any]:
        body = {"provider": sorted(self.keys)[number % 2], "amount": str(AMOUNT)}
        answer = self.server.call("POST", ONRAMP, body, token=self.tokens[number % BUYERS])
        assert answer.status == 201, answer.text
        return dict(answer.json)

    def messages(self) -> list[tuple[int, dict[str, Any]]]:
        """The number and body of every event; each is sent three times, once under another id."""
        sent = []
        for number in range(len(self.onramps)):
            event = self._event(number)
            again = event | {"id": new_event_id()}
            sent += [(number, event), (number, event), (number, again)]
        random.shuffle(sent)
        return sent

    def _event(self, number: int) -> dict[str, Any]:
        onramp = self.onramps[number]
        return event_body(
            "payment.succeeded",
            onramp["token"],
            amount="2500.00" if number in self.with_wrong_amount else onramp["amount"],
            currency=onramp["currency"],
            userId=self.user_ids[number % BUYERS],
            bankReference=f"UTR-{number}",
        )

    def send(self, sent: tuple[int, dict[str, Any]]) -> Response:
        number, event = sent
        provider = self.onramps[number]["provider"]
        key = b"x" * 32 if number in self.with_wrong_key else self.keys[provider]
        headers = signed_headers(json.dumps(event).encode(), key=key, event_id=event["id"])
        return self.server.call("POST", f"{ONRAMP}/webhooks/{provider}", event, headers=headers)

    def paid(self, buyer: int) -> str:
        """The balance that the buyer's wallet must have in the end."""
        forged = self.with_wrong_key | self.with_wrong_amount
        genuine = set(range(buyer, len(self.onramps), BUYERS)) - forged
        return str(AMOUNT * len(genuine))


@contextmanager
def status_counts(server: LiveServer) -> Iterator[Any]:
    """A function that counts the rows of a table by status."""
    engine = create_engine(server.database.app_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:

            def statuses(table: str) -> Counter[str]:
                rows = connection.execute(text(f"SELECT status, count(*) FROM {table} GROUP BY 1"))
                return Counter(dict(rows.all()))

            yield statuses
    finally:
        engine.dispose()


def test_every_genuine_payment_is_credited_once(
    live_server: LiveServer, keys: dict[str, str]
) -> None:
    run = StressRun(live_server, keys)
    genuine = len(run.onramps) - FORGED

    with status_counts(live_server) as statuses:
        with live_server.worker():
            answers = all_at_once(run.send, run.messages(), threads=8)
            wait_until(lambda: statuses("onramps")["SUCCESS"] > genuine // 10, seconds=60)
        # The worker and its children were killed with unhandled events.
        assert statuses("inbound_events")["RECEIVED"] > 0
        with live_server.worker():
            # The sweep of the next minute finds the events of the killed jobs.
            wait_until(lambda: not statuses("inbound_events")["RECEIVED"], seconds=300)

        assert outcomes(answers) == {
            (200, None): 3 * (genuine + len(run.with_wrong_amount)),
            (401, "INVALID_SIGNATURE"): 3 * len(run.with_wrong_key),
        }
        # Two ids each; events with a wrong key are not stored.
        assert statuses("inbound_events") == {
            "PROCESSED": 2 * genuine,
            "QUARANTINED": 2 * len(run.with_wrong_amount),
        }
        assert statuses("onramps")["SUCCESS"] == genuine

    for buyer, token in enumerate(run.tokens):
        wallet = live_server.call("GET", "/api/v1/wallet", token=token).json
        assert wallet["balance"] == run.paid(buyer)
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout + result.stderr
