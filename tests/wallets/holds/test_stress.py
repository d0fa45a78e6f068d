"""Holds under load from outside, against the real server with two web processes."""

import time
from collections import Counter

import pytest

from app.common import db
from app.wallets.holds.tasks import expire_holds
from tests.concurrency import all_at_once
from tests.live import LiveServer, outcomes, sign_up_all
from tests.verify.books import working_on

# It is what the tests' own database connections are configured by.
pytestmark = [pytest.mark.usefixtures("worker_app"), pytest.mark.stress]

HOLDS = "/api/v1/wallet/holds"


def merchant(server: LiveServer) -> tuple[str, str]:
    """Token and id of a new merchant."""
    token = server.sign_up("seller", role="MERCHANT")
    return token, server.call("GET", "/api/v1/auth/me", token=token).json["id"]


def place(server: LiveServer, payer: str, payee_id: str, amount: str, **fields: object) -> str:
    body = {"payeeId": payee_id, "amount": amount} | fields
    answer = server.call("POST", HOLDS, body, token=payer)
    assert answer.status == 201, answer.text
    hold_id: str = answer.json["id"]
    return hold_id


def capture_by_many(server: LiveServer, times: int) -> None:
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


def test_of_captures_through_two_processes_one_wins(live_server: LiveServer) -> None:
    capture_by_many(live_server, 20)


def test_of_100_captures_through_two_processes_one_wins(live_server: LiveServer) -> None:
    capture_by_many(live_server, 100)


def test_captures_voids_and_expiries_race_and_each_hold_ends_once(live_server: LiveServer) -> None:
    """Two web processes and a worker, around the moment at which half of the holds expire."""
    payee, payee_id = merchant(live_server)
    payers = sign_up_all(live_server, 16, balance="100.00")
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
            return expire_holds(), "let go"
        hold_id, how = hold_ids[number // 2], ("capture", "void")[number % 2]
        answer = live_server.call("POST", f"{HOLDS}/{hold_id}/{how}", token=payee)
        return answer.status, answer.json.get("error")

    with working_on(db.Database(live_server.database.app_url)):
        settled = Counter(all_at_once(settle, range(800)))
        time.sleep(2)
        expire_holds()

    assert {how for how in settled if how[1] != "let go"} == {(200, None), (409, "HOLD_CLOSED")}
    walk = [
        live_server.call("GET", f"{HOLDS}?limit=100&page={page}", token=payee).json["data"]
        for page in range(1, 5)
    ]
    ended = Counter(hold["status"] for page in walk for hold in page)
    assert ended.total() == 400
    # Of those that nobody voided or captured in time only those that expire later are left.
    assert set(ended) <= {"ACTIVE", "CAPTURED", "VOIDED", "EXPIRED"}
    assert ended["CAPTURED"] + ended["VOIDED"] == settled[200, None]
    earned = live_server.call("GET", "/api/v1/wallet", token=payee).json["balance"]
    assert earned == f"{ended['CAPTURED']}.00"
    result = live_server.cli("verify")
    assert result.returncode == 0, result.stdout
