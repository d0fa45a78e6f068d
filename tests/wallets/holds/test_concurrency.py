"""Concurrent changes of holds, with real commits."""

import time
from collections import Counter

from flask import Flask

from app.wallets.holds.tasks import expire_holds
from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.wallets.helpers import withdraw
from tests.wallets.holds.helpers import amounts, capture, place, show, void


def test_one_of_24_concurrent_captures_succeeds(committing: Flask) -> None:
    payer, payee = factories.buyer("100.00"), factories.merchant()
    hold_id = place(committing.test_client(), payer, payee, "40.00").json["id"]

    answers = all_at_once(
        lambda n: capture(committing.test_client(), payee, hold_id, f"{n + 1}.00"), range(24)
    )

    assert outcomes(answers) == {(200, None): 1, (409, "HOLD_CLOSED"): 23}
    (won,) = [a.json["capturedAmount"] for a in answers if a.status_code == 200]
    assert amounts(committing.test_client(), payee) == (won, "0.00", won)
    assert broken_invariants() == []


def test_concurrent_holds_never_exceed_the_available_balance(committing: Flask) -> None:
    payer, payee = factories.buyer("10.00"), factories.merchant()

    def spend(number: int) -> int:
        client = committing.test_client()
        if number % 2:
            return place(client, payer, payee, "3.00").status_code
        return withdraw(client, payer, "3.00").status_code

    statuses = Counter(all_at_once(spend, range(20)))

    assert statuses[200] + statuses[201] == 3
    assert statuses[400] == 17
    assert amounts(committing.test_client(), payer)[2] == "1.00"
    assert broken_invariants() == []


def test_concurrent_capture_void_and_expiry_end_a_hold_once(committing: Flask) -> None:
    """All calls are made around the time at which the holds expire."""
    payer, payee = factories.buyer("100.00"), factories.merchant()
    hold_ids = [
        place(committing.test_client(), payer, payee, "5.00", expiresIn=2).json["id"]
        for _ in range(10)
    ]
    expire = time.monotonic() + 2

    def settle(call: tuple[int, str, str]) -> None:
        number, how, hold_id = call
        time.sleep(max(expire + (number % 10 - 7) / 50 - time.monotonic(), 0))
        if how == "expire":
            expire_holds()
        else:
            answer = {"capture": capture, "void": void}[how](
                committing.test_client(), payee, hold_id
            )
            assert (answer.status_code, answer.json.get("error")) in {
                (200, None),
                (409, "HOLD_CLOSED"),
            }

    calls = [(how, hold_id) for hold_id in hold_ids for how in ("capture", "void", "expire")]
    all_at_once(settle, [(number, *call) for number, call in enumerate(calls)])
    time.sleep(max(expire + 0.5 - time.monotonic(), 0))
    expire_holds()

    client = committing.test_client()
    ended = Counter(show(client, payee, hold_id).json["status"] for hold_id in hold_ids)
    assert ended.total() == 10
    assert set(ended) <= {"CAPTURED", "VOIDED", "EXPIRED"}
    earned, left = f"{5 * ended['CAPTURED']}.00", f"{100 - 5 * ended['CAPTURED']}.00"
    assert amounts(client, payee) == (earned, "0.00", earned)
    assert amounts(client, payer) == (left, "0.00", left)
    assert broken_invariants() == []
