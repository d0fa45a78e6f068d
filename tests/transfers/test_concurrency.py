"""Concurrent transfers, with real commits."""

import itertools
import threading
import time
from collections import Counter
from typing import Any

from flask import Flask

from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor
from tests.transfers.helpers import balance, send_with_new_client, total_balance
from tests.wallets.helpers import set_limit


def test_opposite_transfers_do_not_deadlock(committing: Flask) -> None:
    alice, bob = factories.buyer("100.00"), factories.buyer("100.00")
    pairs = [(alice, bob), (bob, alice)] * 40

    answers = all_at_once(lambda pair: send_with_new_client(committing, *pair, "1.00"), pairs)

    assert outcomes(answers) == {(201, None): 80}
    assert [balance(committing.test_client(), one) for one in (alice, bob)] == ["100.00"] * 2
    assert broken_invariants() == []


def test_transfers_between_all_pairs_do_not_deadlock(committing: Flask) -> None:
    people = [factories.buyer("100.00") for _ in range(6)]
    pairs = list(itertools.permutations(people, 2)) * 3

    answers = all_at_once(lambda pair: send_with_new_client(committing, *pair, "1.00"), pairs)

    assert outcomes(answers) == {(201, None): len(pairs)}
    assert {balance(committing.test_client(), one) for one in people} == {"100.00"}
    assert broken_invariants() == []


def test_one_of_32_transfers_of_the_whole_balance_succeeds(committing: Flask) -> None:
    sender = factories.buyer("100.00")
    receivers = [factories.actor() for _ in range(4)]

    answers = all_at_once(
        lambda receiver: send_with_new_client(committing, sender, receiver, "100.00"), receivers * 8
    )

    assert outcomes(answers) == {(201, None): 1, (400, "INSUFFICIENT_FUNDS"): 31}
    assert broken_invariants() == []


def test_one_idempotency_key_sends_once(committing: Flask) -> None:
    sender, receiver = factories.buyer("100.00"), factories.actor()
    key = {"Idempotency-Key": "the-same-key"}

    answers = all_at_once(
        lambda _: send_with_new_client(committing, sender, receiver, "10.00", **key), range(40)
    )

    assert set(outcomes(answers)) <= {(201, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert balance(committing.test_client(), receiver) == "10.00"
    assert broken_invariants() == []


def test_concurrent_transfers_cannot_exceed_the_receiver_s_limit(committing: Flask) -> None:
    receiver = factories.actor()
    set_limit(committing.test_client(), receiver, "TRANSFER_IN", "DAY", "50.00")
    senders = [factories.buyer("7.00") for _ in range(20)]

    answers = all_at_once(
        lambda sender: send_with_new_client(committing, sender, receiver, "7.00"), senders
    )

    assert outcomes(answers) == {(201, None): 7, (409, "RECIPIENT_CANNOT_RECEIVE"): 13}
    assert balance(committing.test_client(), receiver) == "49.00"
    assert broken_invariants() == []


def test_the_total_balance_is_constant_during_transfers(committing: Flask) -> None:
    """8 wallets send to both neighbours for three seconds, while the total is read repeatedly.

    They send cents: however fast the machine is, the sums need no two-factor code.
    """
    people = [factories.buyer("0.20") for _ in range(8)]
    deadline = time.monotonic() + 3
    seen: set[int] = set()
    counts: list[Counter[tuple[int, str | None]]] = []

    def watch() -> None:
        while time.monotonic() < deadline:
            seen.add(total_balance())

    def send_to_neighbours(index: int) -> list[Any]:
        answers = []
        for turn in itertools.count():
            if time.monotonic() > deadline:
                return answers
            receiver = people[(index + (1 if turn % 2 else -1)) % len(people)]
            answers.append(
                send_with_new_client(committing, people[index], receiver, f"0.0{turn % 9 + 1}")
            )
        raise AssertionError("unreachable")

    reader = threading.Thread(target=watch)
    reader.start()
    counts = [outcomes(answers) for answers in all_at_once(send_to_neighbours, range(len(people)))]
    reader.join()

    total = sum(counts, Counter())
    assert set(total) <= {(201, None), (400, "INSUFFICIENT_FUNDS")}
    assert total[201, None] > 50
    assert seen == {8 * 20}
    assert broken_invariants() == []


def test_no_transfer_succeeds_after_a_lock_is_acknowledged(committing: Flask) -> None:
    receiver, admin = factories.actor(), factories.admin()
    senders: list[Actor] = [factories.buyer("40.00") for _ in range(4)]
    client = committing.test_client()
    wallet_id = client.get("/api/v1/wallet", headers=receiver.headers).json["id"]

    def act(number: int) -> Any:
        if number == 10:
            return committing.test_client().post(
                f"/api/v1/admin/wallets/{wallet_id}/lock",
                json={"reason": "suspicion"},
                headers=admin.headers,
            )
        return send_with_new_client(committing, senders[number % 4], receiver, "1.00")

    answers = all_at_once(act, range(40))
    settled = balance(client, receiver)

    counts = outcomes(answers)
    assert set(counts) <= {(201, None), (200, None), (409, "RECIPIENT_CANNOT_RECEIVE")}
    assert settled == f"{counts[201, None]}.00"
    assert send_with_new_client(committing, senders[0], receiver, "1.00").status_code == 409
    assert broken_invariants() == []
