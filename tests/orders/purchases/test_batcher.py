"""Purchases of several requests in one batch."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.auth import login_sessions
from app.auth import service as auth
from app.auth.http import access_token
from app.auth.tokens import token_rules
from app.common import db, deadline
from app.common.db import OutcomeUnknown, transaction
from app.verify.report import violations
from app.wallets.movements import http as movements
from tests import factories
from tests.authenticator import ManualClock, enable_two_factor, status
from tests.concurrency import outcomes
from tests.factories import Actor
from tests.responses import refusal


def buy(app: Flask, buyer: Actor, product_id: object, **headers: str) -> TestResponse:
    return app.test_client().post(
        "/api/v1/orders",
        json={"productId": str(product_id), "paymentMethod": "WALLET"},
        headers=buyer.headers | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def record_status(statuses: list[int], app: Flask, buyer: Actor, product_id: object) -> None:
    """Buy, and append the HTTP status to `statuses`."""
    statuses.append(buy(app, buyer, product_id).status_code)


@contextmanager
def one_batch(size: int) -> Iterator[list[threading.Thread]]:
    """Hold the ledger lock until `size` purchases are queued, so that they become one batch."""
    threads: list[threading.Thread] = []
    with transaction() as session:
        session.execute(text("LOCK TABLE money_gate IN SHARE UPDATE EXCLUSIVE MODE"))
        yield threads
    for thread in threads:
        thread.join(10)
    assert len(threads) == size


def enqueue(app: Flask, act: object, *, after: int) -> threading.Thread:
    """Call `act` in a thread, and wait until its purchase is queued after `after` others."""
    thread = threading.Thread(target=act)  # type: ignore[arg-type]
    thread.start()
    waiting = movements.batcher()._executor._waiting
    deadline = time.monotonic() + 5
    while len(waiting) <= after:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return thread


def test_a_failing_purchase_does_not_affect_others_in_its_batch(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=10)
    buyers = [factories.buyer("100.00") for _ in range(5)]
    failing = buyers[2]
    assert buy(committing, failing, product_id, Idempotency_Key="old").status_code == 201
    with transaction() as session:
        session.execute(text("DELETE FROM idempotency_keys"))  # as after their retention
    answers: dict[str, TestResponse] = {}

    with one_batch(5) as threads:
        for buyer in buyers:

            def act(buyer: Actor = buyer) -> None:
                answers[buyer.email] = buy(committing, buyer, product_id, Idempotency_Key="old")

            threads.append(enqueue(committing, act, after=len(threads)))

    refused = answers.pop(failing.email)
    assert (refused.status_code, refused.json["error"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert [answer.status_code for answer in answers.values()] == [201] * 4
    assert [rows for _, rows in violations() if rows] == []


def test_a_revoked_session_does_not_claim_the_key_of_an_active_one(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=10)
    revoked = factories.buyer("100.00")
    with transaction() as session:
        other = auth.sign_in(session, user_id=revoked.id, device=auth.Device(), rules=token_rules())
        login_sessions.revoke_session(session, user_id=revoked.id, session_id=revoked.session_id)
    token = access_token(
        user_id=revoked.id, session_id=other.session_id, role="USER", email=revoked.email
    )
    active = Actor(revoked.id, revoked.email, other.session_id, token)
    answers: dict[UUID, TestResponse] = {}

    with one_batch(2) as threads:
        for buyer in (revoked, active):

            def act(buyer: Actor = buyer) -> None:
                answers[buyer.session_id] = buy(
                    committing, buyer, product_id, Idempotency_Key="k-1"
                )

            threads.append(enqueue(committing, act, after=len(threads)))

    assert answers[revoked.session_id].status_code == 401
    assert answers[other.session_id].status_code == 201


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_a_code_is_used_once_within_a_batch(
    committing: Flask, totp_clock: ManualClock, kind: str
) -> None:
    buyer, seller = factories.buyer("50000.00"), factories.merchant()
    app = enable_two_factor(committing.test_client(), buyer, totp_clock)
    product_id = factories.product(seller, price="2000.00", units=100)
    code = app.code() if kind == "app" else app.recovery_codes[0]
    answers: list[TestResponse] = []

    def act() -> None:
        answers.append(buy(committing, buyer, product_id, X_Two_Factor_Code=code))

    with one_batch(5) as threads:
        for number in range(5):
            threads.append(enqueue(committing, act, after=number))

    assert outcomes(answers) == {(201, None): 1, (403, "TWO_FACTOR_REQUIRED"): 4}
    left = status(committing.test_client(), buyer)["recoveryCodesLeft"]
    assert left == len(app.recovery_codes) - (kind == "recovery")
    assert [rows for _, rows in violations() if rows] == []


def test_a_refused_purchase_leaves_its_code_to_the_next_one_of_the_batch(
    committing: Flask, totp_clock: ManualClock
) -> None:
    buyer, seller = factories.buyer("3000.00"), factories.merchant()
    app = enable_two_factor(committing.test_client(), buyer, totp_clock)
    too_dear = factories.product(seller, price="4000.00", units=1)
    affordable = factories.product(seller, price="2000.00", units=1)
    answers: dict[object, TestResponse] = {}

    with one_batch(2) as threads:
        for product_id in (too_dear, affordable):

            def act(product_id: object = product_id) -> None:
                answers[product_id] = buy(
                    committing, buyer, product_id, X_Two_Factor_Code=app.recovery_codes[0]
                )

            threads.append(enqueue(committing, act, after=len(threads)))

    assert refusal(answers[too_dear]) == (400, "INSUFFICIENT_FUNDS")
    assert answers[affordable].status_code == 201


def test_the_deadline_of_one_purchase_does_not_end_the_others_of_its_batch(
    committing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one leads the batch, and its client has taken nearly all of its time."""
    product_id = factories.product(factories.merchant(), price="10.00", units=10)
    buyers = [factories.buyer("100.00") for _ in range(3)]
    answers: list[TestResponse] = []
    begin = deadline.begin

    with one_batch(3) as threads:
        for seconds, buyer in zip((0.1, 15.0, 15.0), buyers, strict=True):

            def act(buyer: Actor = buyer, seconds: float = seconds) -> None:
                begun = partial(begin, seconds)
                monkeypatch.setattr(deadline, "begin", begun)
                answers.append(buy(committing, buyer, product_id))

            threads.append(enqueue(committing, act, after=len(threads)))
        time.sleep(1)

    assert outcomes(answers) == {(201, None): 3}


def test_the_last_units_are_sold_in_order_of_arrival(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=2)
    buyers = [factories.buyer("10.00") for _ in range(5)]
    answers: dict[int, int] = {}

    with one_batch(5) as threads:
        for number, buyer in enumerate(buyers):

            def act(number: int = number, buyer: Actor = buyer) -> None:
                answers[number] = buy(committing, buyer, product_id).status_code

            threads.append(enqueue(committing, act, after=len(threads)))

    assert [answers[number] for number in range(5)] == [201, 201, 400, 400, 400]


def test_a_refused_purchase_does_not_consume_a_unit(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=1)
    poor, rich = factories.buyer("9.99"), factories.buyer("10.00")
    answers: dict[str, int] = {}

    with one_batch(2) as threads:
        for buyer in (poor, rich):

            def act(buyer: Actor = buyer) -> None:
                answers[buyer.email] = buy(committing, buyer, product_id).status_code

            threads.append(enqueue(committing, act, after=len(threads)))

    assert answers == {poor.email: 400, rich.email: 201}


def test_earnings_can_be_spent_in_the_same_batch(committing: Flask) -> None:
    """A merchant with a zero balance pays from the sale just before it in the batch."""
    seller, other = factories.merchant(), factories.merchant()
    first = factories.product(seller, price="10.00")
    second = factories.product(other, price="10.00")
    buyer = factories.buyer("10.00")
    answers: list[int] = []

    with one_batch(2) as threads:
        for payer, product_id in ((buyer, first), (seller, second)):
            act = partial(record_status, answers, committing, payer, product_id)
            threads.append(enqueue(committing, act, after=len(threads)))

    assert answers == [201, 201]
    assert [rows for _, rows in violations() if rows] == []


def test_a_purchase_is_refused_when_the_queue_is_full(
    committing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movements.batcher()._executor, "_queue", 2)
    product_id = factories.product(factories.merchant(), price="10.00", units=5)
    first, second, rejected = (factories.buyer("10.00") for _ in range(3))
    answers: list[int] = []

    with one_batch(2) as threads:
        for buyer in (first, second):
            act = partial(record_status, answers, committing, buyer, product_id)
            threads.append(enqueue(committing, act, after=len(threads)))
        refused = buy(committing, rejected, product_id, Idempotency_Key="k")

    assert refusal(refused) == (503, "BUSY")
    assert refused.headers["Retry-After"] == "1"
    assert answers == [201, 201]
    assert buy(committing, rejected, product_id, Idempotency_Key="k").status_code == 201
    assert [rows for _, rows in violations() if rows] == []


def test_a_purchase_that_times_out_is_refused_and_not_executed_later(
    committing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movements.batcher()._executor, "_timeout", 0.1)
    product_id = factories.product(factories.merchant(), price="10.00", units=5)
    first, late = factories.buyer("10.00"), factories.buyer("10.00")
    answers: list[int] = []

    with one_batch(1) as threads:
        act = partial(record_status, answers, committing, first, product_id)
        threads.append(enqueue(committing, act, after=0))
        refused = buy(committing, late, product_id)

    assert refusal(refused) == (503, "BUSY")
    assert refused.headers["Retry-After"] == "1"
    assert answers == [201]
    client = committing.test_client()
    assert client.get("/api/v1/orders", headers=late.headers).json["data"] == []
    assert client.get(f"/api/v1/products/{product_id}").json["availableUnits"] == 4


@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_lost_during_commit_sells_exactly_once(
    committing: Flask, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=5)
    buyer = factories.buyer("100.00")
    real, calls = db._commit, []

    def fail_once(session: Session) -> None:
        calls.append(session)
        if len(calls) > 1:
            real(session)
            return
        if committed:
            real(session)
        raise OutcomeUnknown

    monkeypatch.setattr(db, "_commit", fail_once)
    answer = buy(committing, buyer, product_id)

    assert answer.status_code == 201
    client = committing.test_client()
    orders = client.get("/api/v1/orders", headers=buyer.headers).json
    assert [order["id"] for order in orders["data"]] == [answer.json["id"]]
    assert client.get(f"/api/v1/products/{product_id}").json["availableUnits"] == 4
    assert [rows for _, rows in violations() if rows] == []


def test_only_the_keyed_purchase_of_a_batch_is_replayed(committing: Flask) -> None:
    product_id = factories.product(factories.merchant(), price="10.00", units=5)
    keyed, plain = factories.buyer("100.00"), factories.buyer("100.00")
    answers: dict[str, TestResponse] = {}

    with one_batch(2) as threads:

        def with_key() -> None:
            answers["keyed"] = buy(committing, keyed, product_id, Idempotency_Key="k")

        def without() -> None:
            answers["plain"] = buy(committing, plain, product_id)

        threads.append(enqueue(committing, with_key, after=0))
        threads.append(enqueue(committing, without, after=1))

    again = buy(committing, keyed, product_id, Idempotency_Key="k")
    assert again.data == answers["keyed"].data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert buy(committing, plain, product_id).json["id"] != answers["plain"].json["id"]
