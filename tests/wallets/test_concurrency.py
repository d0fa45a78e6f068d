"""Concurrent movements of money, with real commits."""

from itertools import pairwise
from typing import Any

from flask import Flask

from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor


def post(app: Flask, actor: Actor, path: str, body: Any, **headers: str) -> Any:
    return app.test_client().post(f"/api/v1{path}", json=body, headers=actor.headers | headers)


def wallet(app: Flask, actor: Actor) -> Any:
    return app.test_client().get("/api/v1/wallet", headers=actor.headers).json


def test_100_deposits_of_10_make_1000(committing: Flask) -> None:
    user = factories.actor()

    answers = all_at_once(
        lambda _: post(committing, user, "/wallet/deposit", {"amount": "10.00"}), range(100)
    )

    assert outcomes(answers) == {(200, None): 100}
    assert wallet(committing, user)["balance"] == "1000.00"
    assert {a.json["transaction"]["balanceAfter"] for a in answers} == {
        f"{10 * n}.00" for n in range(1, 101)
    }
    assert broken_invariants() == []


def test_one_of_32_withdrawals_of_the_whole_balance_succeeds(committing: Flask) -> None:
    user = factories.buyer("100.00")

    answers = all_at_once(
        lambda _: post(committing, user, "/wallet/withdraw", {"amount": "100.00"}), range(32)
    )

    assert outcomes(answers) == {(200, None): 1, (400, "INSUFFICIENT_FUNDS"): 31}
    assert wallet(committing, user)["balance"] == "0.00"
    assert broken_invariants() == []


def test_concurrent_deposits_withdrawals_and_purchases_add_up(committing: Flask) -> None:
    user = factories.buyer("100.00")
    product_id = factories.product(factories.merchant(), price="3.00", units=1000)
    order = {"productId": str(product_id), "paymentMethod": "WALLET"}
    requests = [
        ("/wallet/deposit", {"amount": "5.00"}),
        ("/wallet/withdraw", {"amount": "2.00"}),
        ("/orders", order),
    ] * 20

    answers = all_at_once(lambda request: post(committing, user, *request), requests)

    assert outcomes(answers) == {(200, None): 40, (201, None): 20}
    assert wallet(committing, user)["balance"] == "100.00"
    history = (
        committing.test_client()
        .get("/api/v1/wallet/transactions?limit=100", headers=user.headers)
        .json
    )
    steps = [(row["balanceBefore"], row["balanceAfter"]) for row in reversed(history["data"])]
    assert len(steps) == 61
    assert all(after == before for (_, after), (before, _) in pairwise(steps))
    assert broken_invariants() == []


def test_concurrent_deposits_cannot_exceed_a_limit(committing: Flask) -> None:
    user, admin = factories.actor(), factories.admin()
    limit = {"type": "DEPOSIT", "window": "DAY", "amount": "100.00"}
    changed = committing.test_client().put(
        f"/api/v1/admin/users/{user.id}/limits", json=limit, headers=admin.headers
    )
    assert changed.status_code == 200

    answers = all_at_once(
        lambda _: post(committing, user, "/wallet/deposit", {"amount": "7.00"}), range(32)
    )

    assert outcomes(answers) == {(200, None): 14, (400, "LIMIT_EXCEEDED"): 18}
    assert wallet(committing, user)["balance"] == "98.00"
    assert broken_invariants() == []


def test_one_idempotency_key_deposits_once(committing: Flask) -> None:
    user = factories.actor()
    key = {"Idempotency-Key": "the-same-key"}

    answers = all_at_once(
        lambda _: post(committing, user, "/wallet/deposit", {"amount": "10.00"}, **key), range(50)
    )

    assert set(outcomes(answers)) <= {(200, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    assert len({answer.data for answer in answers if answer.status_code == 200}) == 1
    assert wallet(committing, user)["balance"] == "10.00"
    assert broken_invariants() == []


def test_no_withdrawal_succeeds_after_a_lock_is_acknowledged(committing: Flask) -> None:
    user, admin = factories.buyer("100.00"), factories.admin()
    wallet_id = wallet(committing, user)["id"]

    def act(number: int) -> Any:
        if number == 10:
            return post(
                committing, admin, f"/admin/wallets/{wallet_id}/lock", {"reason": "suspicion"}
            )
        return post(committing, user, "/wallet/withdraw", {"amount": "1.00"})

    answers = all_at_once(act, range(40))
    left = wallet(committing, user)["balance"]

    counts = outcomes(answers)
    assert set(counts) <= {(200, None), (403, "WALLET_LOCKED")}
    assert left == f"{100 - (counts[200, None] - 1)}.00"
    late = post(committing, user, "/wallet/withdraw", {"amount": "1.00"})
    assert (late.status_code, late.json["error"]) == (403, "WALLET_LOCKED")
    assert broken_invariants() == []
