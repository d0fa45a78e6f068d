"""Concurrent payments of one request or code, with real commits."""

from typing import Any

from flask import Flask

from app.payment_requests import tasks
from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor
from tests.payment_requests.helpers import (
    CODES,
    close_request,
    created_code,
    created_request,
    pay_code,
    status,
)
from tests.transfers.helpers import balance


def paying(app: Flask, payer: Actor, request: dict[str, Any], **more: Any) -> Any:
    return close_request(app.test_client(), payer, request, "pay", **more)


def test_one_of_32_concurrent_payers_pays_an_open_request(committing: Flask) -> None:
    client, alice = committing.test_client(), factories.actor()
    request = created_request(client, alice, amount="10.00")
    payers = [factories.buyer("10.00") for _ in range(32)]

    answers = all_at_once(lambda payer: paying(committing, payer, request), payers)

    assert outcomes(answers) == {(201, None): 1, (409, "PAYMENT_REQUEST_CLOSED"): 31}
    assert balance(client, alice) == "10.00"
    left = sorted(balance(client, payer) for payer in payers)
    assert left == ["0.00"] + ["10.00"] * 31
    assert broken_invariants() == []


def test_one_payer_who_pays_32_times_at_once_pays_once(committing: Flask) -> None:
    client, alice, bob = committing.test_client(), factories.actor(), factories.buyer("500.00")
    request = created_request(client, alice, to=bob, amount="10.00")

    answers = all_at_once(lambda _: paying(committing, bob, request), range(32))

    assert outcomes(answers) == {(201, None): 1, (409, "PAYMENT_REQUEST_CLOSED"): 31}
    assert balance(client, bob) == "490.00"
    assert broken_invariants() == []


def test_concurrent_payments_with_one_key_pay_once_with_one_response(committing: Flask) -> None:
    client, alice, bob = committing.test_client(), factories.actor(), factories.buyer("500.00")
    request = created_request(client, alice, to=bob, amount="10.00")
    key = {"Idempotency-Key": "the-same-key"}

    answers = all_at_once(lambda _: paying(committing, bob, request, headers=key), range(32))

    assert set(outcomes(answers)) <= {(201, None), (409, "IDEMPOTENCY_IN_PROGRESS")}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert balance(client, bob) == "490.00"
    assert broken_invariants() == []


def test_one_of_concurrent_pay_decline_and_cancel_succeeds(committing: Flask) -> None:
    client, alice, bob = committing.test_client(), factories.actor(), factories.buyer("500.00")
    for _ in range(8):
        request = created_request(client, alice, to=bob, amount="10.00")
        calls = [(bob, "pay"), (bob, "decline"), (alice, "cancel")] * 3

        answers = all_at_once(
            lambda one: close_request(committing.test_client(), one[0], request, one[1]),  # noqa: B023
            calls,
        )

        counts = outcomes(answers)
        assert counts[409, "PAYMENT_REQUEST_CLOSED"] == 8
        ends = {"pay": "PAID", "decline": "DECLINED", "cancel": "CANCELLED"}
        (won,) = [what for (_, what), a in zip(calls, answers, strict=True) if a.status_code < 300]
        assert status(client, alice, request) == ends[won]
    assert broken_invariants() == []


def test_two_users_paying_each_other_at_once_do_not_deadlock(committing: Flask) -> None:
    client = committing.test_client()
    alice, bob = factories.buyer("100.00"), factories.buyer("100.00")
    pairs = [(alice, bob), (bob, alice)] * 20
    calls = [
        (payer, created_request(client, requester, to=payer, amount="1.00"))
        for requester, payer in pairs
    ]

    answers = all_at_once(lambda one: paying(committing, *one), calls)

    assert outcomes(answers) == {(201, None): 40}
    assert [balance(client, one) for one in (alice, bob)] == ["100.00"] * 2
    assert broken_invariants() == []


def test_concurrent_expiry_jobs_do_not_close_open_requests(committing: Flask) -> None:
    client, alice = committing.test_client(), factories.actor()
    requests = [created_request(client, alice, amount="1.00") for _ in range(12)]
    payers = [factories.buyer("1.00") for _ in requests]

    def act(number: int) -> Any:
        if number % 2:
            return paying(committing, payers[number // 2], requests[number // 2])
        return tasks.expire_requests()

    results = all_at_once(act, range(24))

    assert {r for r in results if isinstance(r, int)} == {0}
    assert outcomes(r for r in results if not isinstance(r, int)) == {(201, None): 12}
    assert broken_invariants() == []


def test_32_concurrent_payments_of_one_code_all_succeed(committing: Flask) -> None:
    client, shop = committing.test_client(), factories.merchant()
    code = created_code(client, shop, amount="2.00")
    payers = [factories.buyer("10.00") for _ in range(32)]

    answers = all_at_once(lambda payer: pay_code(committing.test_client(), payer, code), payers)

    assert outcomes(answers) == {(201, None): 32}
    assert balance(client, shop) == "64.00"
    assert broken_invariants() == []


def test_no_payment_succeeds_after_deactivation_is_acknowledged(committing: Flask) -> None:
    client, shop, payer = committing.test_client(), factories.merchant(), factories.buyer("100.00")
    code = created_code(client, shop, amount="1.00")

    def act(number: int) -> Any:
        if number == 10:
            return committing.test_client().post(
                f"{CODES}/{code['id']}/deactivate", headers=shop.headers
            )
        return pay_code(committing.test_client(), payer, code)

    answers = all_at_once(act, range(40))
    settled = balance(client, shop)

    counts = outcomes(answers)
    assert set(counts) <= {(201, None), (200, None), (404, "MERCHANT_CODE_NOT_FOUND")}
    assert settled == f"{counts[201, None]}.00"
    assert pay_code(client, payer, code).status_code == 404
    assert broken_invariants() == []


def test_a_code_for_a_product_never_oversells(committing: Flask) -> None:
    client, shop = committing.test_client(), factories.merchant()
    product_id = factories.product(shop, price="2.00", units=5)
    code = created_code(client, shop, productId=str(product_id))
    payers = [factories.buyer("10.00") for _ in range(32)]

    answers = all_at_once(lambda payer: pay_code(committing.test_client(), payer, code), payers)

    assert outcomes(answers) == {(201, None): 5, (400, "PRODUCT_OUT_OF_STOCK"): 27}
    assert balance(client, shop) == "10.00"
    assert broken_invariants() == []
