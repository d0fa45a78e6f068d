"""Concurrent changes of holds, over HTTP against the real server with two web processes."""

import time
from collections import Counter

import pytest

from app.common.database import Database
from app.wallets.holds.tasks import expire_holds
from tests.concurrency import all_at_once
from tests.live import LiveServer, outcomes, sign_up_buyers
from tests.verify.books import using_database

# Configures the database connections of the test process.
pytestmark = [pytest.mark.usefixtures("worker_app"), pytest.mark.stress]

HOLDS = "/api/v1/wallet/holds"


def merchant(server: LiveServer) -> tuple[str, str]:
    """The token and id of a new merchant."""
    token = server.sign_up("seller", role="MERCHANT")
    return token, server.call("GET", "/api/v1/auth/me", token=token).json["id"]


def place(server: LiveServer, payer: str, payee_id: str, amount: str, **fields: object) -> str:
    body = {"payeeId": payee_id, "amount": amount} | fields
    answer = server.call("POST", HOLDS, body, token=payer)
    assert answer.status == 201, answer.text
    hold_id: str = answer.json["id"]
    return hold_id


def capture_concurrently(server: LiveServer, times: int) -> None:
    payee, payee_id = merchant(server)
    payer = server.sign_up("payer", balance="100.00")
    hold_id = place(server, payer, payee_id, "40.00")

    answers = all_at_once(
        lambda _: server.call("POST", f"{HOLDS}/{hold_id}/capture", {}, token=payee),
        range(times),
        threads=times,
    )

    assert outcomes(answers) == {(200, None): 1, (409, "HOLD_CLOSED"): times - 1}
    assert server.call("GET", "/api/v1/wallet", token=payee).json["balance"] == "40.00"
    left = server.call("GET", "/api/v1/wallet", token=payer).json
    assert (left["balance"], left["held"]) == ("60.00", "0.00")
    result = server.cli("verify")
    assert result.returncode == 0, result.stdout


def test_one_of_20_captures_in_two_processes_succeeds(live_server: LiveServer) -> None:
    capture_concurrently(live_server, 20)


def test_one_of_100_captures_in_two_processes_succeeds(live_server: LiveServer) -> None:
    capture_concurrently(live_server, 100)


def test_concurrent_captures_voids_and_expiries_end_each_hold_once(live_server: LiveServer) -> None:
    """All calls are made around the time at which half of the holds expire."""
    payee, payee_id = merchant(live_server)
    payers = sign_up_buyers(live_server, 16, balance="100.00")
    last = time.monotonic() + 20
    hold_ids = all_at_once(
        lambda n: place(
            live_server,
            payers[n % 16],
            payee_id,
            "1.00",
            expiresIn=max(int(last - time.monotonic()), 1) if n % 2 else 3600,
        ),
        range(400),
    )
    time.sleep(max(last - time.monotonic() - 1, 0))

    def settle(number: int) -> tuple[int, str | None]:
        if number % 10 == 9:
            return expire_holds(), "expired"
        hold_id, how = hold_ids[number // 2], ("capture", "void")[number % 2]
        answer = live_server.call("POST", f"{HOLDS}/{hold_id}/{how}", token=payee)
        return answer.status, answer.json.get("error")

    with using_database(Database(live_server.database.app_url)):
        settled = Counter(all_at_once(settle, range(800)))
        time.sleep(2)
        expire_holds()

    assert {how for how in settled if how[1] != "expired"} == {(200, None), (409, "HOLD_CLOSED")}
    pages = [
        live_server.call("GET", f"{HOLDS}?limit=100&page={page}", token=payee).json["data"]
        for page in range(1, 5)
    ]
    ended = Counter(hold["status"] for page in pages for hold in page)
    assert ended.total() == 400
    # ACTIVE are those that were neither voided nor captured and expire later.
    assert set(ended) <= {"ACTIVE", "CAPTURED", "VOIDED", "EXPIRED"}
    assert ended["CAPTURED"] + ended["VOIDED"] == settled[200, None]
    earned = live_server.call("GET", "/api/v1/wallet", token=payee).json["balance"]
    assert earned == f"{ended['CAPTURED']}.00"
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout
