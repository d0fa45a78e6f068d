"""Payouts over HTTP: the amount is held immediately, or nothing happens."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import cache, http, queue, redis_client
from app.payouts import tasks
from tests import factories
from tests.payouts.helpers import (
    WALLET,
    balance_and_held,
    bank_account_of,
    create_payout,
    get_payout,
    pending_payout,
)
from tests.responses import created, error_body, refusal
from tests.wallets.helpers import deposit, lock, set_limit, withdraw


def jobs(app: Flask) -> list[tuple[str, Any]]:
    """The jobs that have been enqueued."""
    waiting = queue.open_queue(queue.OUTBOUND, cache.client())
    return [(job.func_name, job.args) for job in waiting.jobs]


class TestCreating:
    def test_a_new_payout_is_pending_and_its_amount_is_held(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        account_id = bank_account_of(client, user, label="Savings")

        answer = create_payout(client, user, account_id, "25.00", description="Earnings of May")

        body = created(answer)
        assert list(body) == [
            "id",
            "status",
            "amount",
            "currency",
            "bankAccount",
            "description",
            "bankReference",
            "reason",
            "createdAt",
            "submittedAt",
            "settledAt",
        ]
        assert (body["status"], body["amount"], body["currency"]) == ("PENDING", "25.00", "USD")
        assert (body["bankAccount"]["id"], body["bankAccount"]["number"]) == (
            account_id,
            "••••••3456",
        )
        assert body["description"] == "Earnings of May"
        assert {body[name] for name in ("bankReference", "reason", "settledAt")} == {None}
        assert balance_and_held(client, user) == ("100.00", "25.00")
        assert get_payout(client, user, UUID(body["id"])) == body

    def test_a_job_is_enqueued_after_the_commit(self, client: FlaskClient, app: Flask) -> None:
        payout_id = pending_payout(client, factories.buyer())
        name = f"{tasks.advance.__module__}.{tasks.advance.__name__}"
        assert jobs(app) == [(name, [payout_id])]

    def test_no_job_is_enqueued_for_a_refusal(self, client: FlaskClient, app: Flask) -> None:
        user = factories.buyer("10.00")
        create_payout(client, user, bank_account_of(client, user), "10.01")
        assert jobs(app) == []

    def test_redis_is_not_required(
        self, client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.buyer()
        account_id = bank_account_of(client, user)
        queue.configure(redis_client.connect("redis://127.0.0.1:1/0"))
        try:
            assert create_payout(client, user, account_id).status_code == 201
        finally:
            queue.configure(redis_client.connect(str(http.settings().redis_url)))

    def test_the_held_amount_cannot_be_spent(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        pending_payout(client, user, "60.00")
        assert refusal(withdraw(client, user, "40.01")) == (400, "INSUFFICIENT_FUNDS")
        assert withdraw(client, user, "40.00").status_code == 200


class TestRefusing:
    def test_an_amount_below_the_minimum_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer()
        answer = create_payout(client, user, bank_account_of(client, user), "0.99")
        assert refusal(answer) == (400, "INVALID_WITHDRAWAL_AMOUNT")
        assert create_payout(
            client, user, bank_account_of(client, user, number="9" * 9), "1.00"
        ).json["amount"] == ("1.00")

    def test_an_amount_above_the_available_balance_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        account_id = bank_account_of(client, user)
        create_payout(client, user, account_id, "60.00")

        answer = create_payout(client, user, account_id, "40.01")

        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert error_body(answer)["details"] == {"required": "40.01", "available": "40.00"}
        assert balance_and_held(client, user) == ("100.00", "60.00")

    def test_a_locked_wallet_is_refused(self, client: FlaskClient) -> None:
        user = factories.buyer()
        account_id = bank_account_of(client, user)
        lock(client, user)
        assert refusal(create_payout(client, user, account_id)) == (403, "WALLET_LOCKED")

    @pytest.mark.parametrize("kind", ["PAYOUT", "OUTGOING"])
    def test_held_amounts_count_towards_a_limit(self, client: FlaskClient, kind: str) -> None:
        user = factories.buyer("100.00")
        account_id = bank_account_of(client, user)
        set_limit(client, user, kind, "DAY", "50.00")
        assert create_payout(client, user, account_id, "30.00").status_code == 201

        answer = create_payout(client, user, account_id, "20.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert error_body(answer)["details"]["remaining"] == "20.00"
        assert create_payout(client, user, account_id, "20.00").status_code == 201

    @pytest.mark.parametrize(
        "fields",
        [
            {"amount": "0"},
            {"amount": "-1.00"},
            {"amount": "25.001"},
            {"amount": "1e3"},
            {"amount": True},
            {"bankAccountId": "mine"},
            {"bankAccountId": None},
            {"description": "x" * 201},
            {"currency": "EUR"},
        ],
        ids=str,
    )
    def test_invalid_input_is_refused(self, client: FlaskClient, fields: dict[str, Any]) -> None:
        user = factories.buyer()
        body = {"bankAccountId": bank_account_of(client, user), "amount": "25.00"} | fields
        answer = client.post(f"{WALLET}/payouts", json=body, headers=user.headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert balance_and_held(client, user)[1] == "0.00"


class TestIdempotency:
    def test_the_same_key_creates_one_payout(self, client: FlaskClient, app: Flask) -> None:
        user = factories.buyer("100.00")
        account_id = bank_account_of(client, user)

        first = create_payout(client, user, account_id, key="payout-1")
        again = create_payout(client, user, account_id, key="payout-1")

        assert again.data == first.data
        assert again.headers["Idempotent-Replayed"] == "true"
        assert balance_and_held(client, user) == ("100.00", "25.00")
        assert len(jobs(app)) == 1

    def test_a_key_cannot_be_reused_for_another_request(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        account_id = bank_account_of(client, user)
        create_payout(client, user, account_id, key="payout-1")

        other = create_payout(client, user, account_id, "26.00", key="payout-1")
        assert refusal(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        deposited = client.post(
            f"{WALLET}/deposit",
            json={"amount": "1.00"},
            headers=user.headers | {"Idempotency-Key": "payout-1"},
        )
        assert refusal(deposited) == (422, "IDEMPOTENCY_KEY_REUSED")

    def test_a_refusal_is_remembered(self, client: FlaskClient) -> None:
        user = factories.buyer("10.00")
        account_id = bank_account_of(client, user)
        refused = create_payout(client, user, account_id, key="payout-1")
        deposit(client, user, "100.00")
        assert create_payout(client, user, account_id, key="payout-1").data == refused.data


class TestReading:
    def test_the_list_is_paginated_newest_first(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        account_id = bank_account_of(client, user)
        ids = [create_payout(client, user, account_id, "1.00").json["id"] for _ in range(5)]

        first = client.get(f"{WALLET}/payouts?limit=3", headers=user.headers).json
        cursor = first["meta"]["nextCursor"]
        rest = client.get(f"{WALLET}/payouts?limit=3&cursor={cursor}", headers=user.headers).json

        assert [payout["id"] for payout in first["data"] + rest["data"]] == ids[::-1]
        assert first["meta"] | {"nextCursor": None} == {
            "total": 5,
            "page": 1,
            "limit": 3,
            "totalPages": 2,
            "nextCursor": None,
            "totalIsCapped": False,
        }
        assert rest["meta"]["nextCursor"] is None

    def test_a_payout_of_another_user_is_not_found(self, client: FlaskClient) -> None:
        payout_id, other = pending_payout(client, factories.buyer()), factories.admin()
        answer = client.get(f"{WALLET}/payouts/{payout_id}", headers=other.headers)
        assert refusal(answer) == (404, "PAYOUT_NOT_FOUND")
        assert client.get(f"{WALLET}/payouts", headers=other.headers).json["data"] == []

    def test_a_payout_shows_its_deleted_bank_account(self, client: FlaskClient) -> None:
        user = factories.buyer()
        payout_id = pending_payout(client, user)
        account = get_payout(client, user, payout_id)["bankAccount"]
        client.delete(f"{WALLET}/bank-accounts/{account['id']}", headers=user.headers)
        assert get_payout(client, user, payout_id)["bankAccount"] == account

    @pytest.mark.parametrize("path", ["payouts", "bank-accounts"])
    def test_a_malformed_id_is_not_found(self, client: FlaskClient, path: str) -> None:
        user = factories.buyer()
        method = client.get if path == "payouts" else client.delete
        assert method(f"{WALLET}/{path}/17", headers=user.headers).status_code == 404
