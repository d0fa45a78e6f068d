"""Reading, setting and removing limits, over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.common import clock, db
from app.common.money import Money
from app.wallets.models import LimitType
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.responses import refusal
from tests.wallets.helpers import WALLET, deposit, set_limit, withdraw
from tests.wallets.holds.test_lifecycle import place

UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"
Row = dict[str, Any]


def shown(client: FlaskClient, user: Actor) -> dict[tuple[str, str], Row]:
    rows: list[Row] = client.get(f"{WALLET}/limits", headers=user.headers).json
    return {(row["type"], row["window"]): row for row in rows}


def remove_limit(client: FlaskClient, user_id: Any, **which: str) -> TestResponse:
    return client.delete(
        f"/api/v1/admin/users/{user_id}/limits",
        query_string=which,
        headers=factories.admin().headers,
    )


def set_role_limit(client: FlaskClient, role: str, kind: str, amount: str) -> TestResponse:
    return client.put(
        f"/api/v1/admin/roles/{role}/limits",
        json={"type": kind, "window": "DAY", "amount": amount},
        headers=factories.admin().headers,
    )


class TestReading:
    def test_a_new_user_has_the_unused_limits_of_the_role(self, client: FlaskClient) -> None:
        limits = shown(client, factories.actor())

        assert {kind for kind, _ in limits} == {
            "DEPOSIT",
            "ONRAMP",
            "PAYMENT",
            "PAYOUT",
            "TRANSFER_IN",
            "TRANSFER_OUT",
            "WITHDRAWAL",
        }
        assert {window for _, window in limits} == {"DAY", "MONTH"}
        assert {(row["used"], row["isOwn"], row["freesAt"]) for row in limits.values()} == {
            ("0.00", False, None)
        }
        assert limits["ONRAMP", "DAY"] == {
            "type": "ONRAMP",
            "window": "DAY",
            "limit": "1000000.00",
            "used": "0.00",
            "remaining": "1000000.00",
            "currency": "USD",
            "freesAt": None,
            "isOwn": False,
        }

    @pytest.mark.parametrize("kind", LimitType)
    def test_each_type_can_be_set_for_a_user(self, client: FlaskClient, kind: LimitType) -> None:
        user = factories.actor()

        assert set_limit(client, user, kind, "TRANSACTION", "7.50").status_code == 200

        row = shown(client, user)[kind, "TRANSACTION"]
        assert (row["limit"], row["remaining"], row["isOwn"]) == ("7.50", "7.50", True)

    def test_movements_and_holds_count_as_used(self, client: FlaskClient) -> None:
        user = factories.actor()
        deposit(client, user, "60.00")
        withdraw(client, user, "10.00")
        place(user, Money(500, "USD"))
        for kind in ("INCOMING", "OUTGOING"):
            set_limit(client, user, kind, "MONTH", "100.00")

        limits = shown(client, user)

        used = {key: row["used"] for key, row in limits.items() if row["used"] != "0.00"}
        assert used == {
            ("DEPOSIT", "DAY"): "60.00",
            ("DEPOSIT", "MONTH"): "60.00",
            ("INCOMING", "MONTH"): "60.00",
            ("WITHDRAWAL", "DAY"): "10.00",
            ("WITHDRAWAL", "MONTH"): "10.00",
            ("PAYOUT", "DAY"): "5.00",
            ("PAYOUT", "MONTH"): "5.00",
            ("OUTGOING", "MONTH"): "15.00",
        }
        assert limits["OUTGOING", "MONTH"]["remaining"] == "85.00"

    def test_frees_at_is_when_the_oldest_movement_leaves_the_window(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.actor()
        first = clock.now() - timedelta(hours=3)
        with monkeypatch.context() as then:
            then.setattr(clock, "now", lambda: first)
            deposit(client, user, "5.00")
        deposit(client, user, "5.00")

        row = shown(client, user)["DEPOSIT", "DAY"]

        assert row["used"] == "10.00"
        frees_at = datetime.fromisoformat(row["freesAt"])
        assert abs(frees_at - (first + timedelta(days=1))) < timedelta(milliseconds=1)

    def test_nothing_remains_of_a_limit_below_the_used_amount(self, client: FlaskClient) -> None:
        user = factories.actor()
        deposit(client, user, "60.00")
        set_limit(client, user, "DEPOSIT", "DAY", "20.00")

        row = shown(client, user)["DEPOSIT", "DAY"]

        assert (row["limit"], row["used"], row["remaining"]) == ("20.00", "60.00", "0.00")

    def test_an_administrator_reads_the_same_limits(self, client: FlaskClient) -> None:
        user, admin = factories.buyer("30.00"), factories.admin()
        set_limit(client, user, "DEPOSIT", "DAY", "40.00")

        answer = client.get(f"/api/v1/admin/users/{user.id}/limits", headers=admin.headers)

        assert answer.status_code == 200
        assert answer.json == client.get(f"{WALLET}/limits", headers=user.headers).json

    def test_an_unknown_user_is_not_found(self, client: FlaskClient) -> None:
        answer = client.get(
            f"/api/v1/admin/users/{UNKNOWN}/limits", headers=factories.admin().headers
        )

        assert refusal(answer) == (404, "USER_NOT_FOUND")


class TestRemoving:
    def test_the_limit_of_the_role_applies_again(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "5.00")
        set_limit(client, user, "DEPOSIT", "MONTH", "5.00")

        answer = remove_limit(client, user.id, type="DEPOSIT", window="DAY")

        assert (answer.status_code, answer.data) == (204, b"")
        limits = shown(client, user)
        assert (limits["DEPOSIT", "DAY"]["limit"], limits["DEPOSIT", "DAY"]["isOwn"]) == (
            "1000000.00",
            False,
        )
        assert limits["DEPOSIT", "MONTH"]["limit"] == "5.00"

    def test_the_removal_is_audited_with_the_former_limit(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "PAYOUT", "DAY", "5.00")

        remove_limit(client, user.id, type="PAYOUT", window="DAY")

        with db.transaction() as session:
            record = session.scalars(
                select(AuditRecord).where(AuditRecord.action == "limit.remove")
            ).one()
        assert record.target_id == user.id
        assert record.details == {
            "type": "PAYOUT",
            "window": "DAY",
            "amount": "5.00",
            "currency": "USD",
        }

    def test_movements_above_the_role_s_limit_are_consistent(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_role_limit(client, "USER", "DEPOSIT", "10.00")
        set_limit(client, user, "DEPOSIT", "DAY", "50.00")
        deposit(client, user, "40.00")

        remove_limit(client, user.id, type="DEPOSIT", window="DAY")

        assert refusal(deposit(client, user, "0.01")) == (400, "LIMIT_EXCEEDED")
        assert broken_invariants() == []

    def test_a_limit_that_is_not_set_is_not_found(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "5.00")

        answers = [
            remove_limit(client, user.id, type="DEPOSIT", window="MONTH"),
            remove_limit(client, user.id, type="PAYOUT", window="DAY"),
            remove_limit(client, factories.actor().id, type="DEPOSIT", window="DAY"),
        ]

        assert [refusal(answer) for answer in answers] == [(404, "LIMIT_NOT_FOUND")] * 3
        unknown = remove_limit(client, UNKNOWN, type="DEPOSIT", window="DAY")
        assert refusal(unknown) == (404, "USER_NOT_FOUND")

    @pytest.mark.parametrize(
        ("which", "field"),
        [
            ({"type": "DEPOSIT"}, "window"),
            ({"window": "DAY"}, "type"),
            ({"type": "GIFT", "window": "DAY"}, "type"),
            ({"type": "DEPOSIT", "window": "day"}, "window"),
        ],
    )
    def test_type_and_window_are_required(
        self, client: FlaskClient, which: dict[str, str], field: str
    ) -> None:
        answer = remove_limit(client, factories.actor().id, **which)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]


class TestRoles:
    def test_a_limit_of_the_role_applies_to_its_users_immediately(
        self, client: FlaskClient
    ) -> None:
        user, merchant = factories.actor(), factories.merchant()

        answer = set_role_limit(client, "USER", "DEPOSIT", "20.00")

        assert answer.text == (
            '{"type":"DEPOSIT","window":"DAY","amount":"20.00","currency":"USD"}'
        )
        assert refusal(deposit(client, user, "20.01")) == (400, "LIMIT_EXCEEDED")
        assert deposit(client, user, "20.00").status_code == 200
        assert deposit(client, merchant, "20.01").status_code == 200

    def test_a_new_limit_of_the_role_applies(self, client: FlaskClient) -> None:
        user = factories.actor()

        set_role_limit(client, "USER", "INCOMING", "20.00")

        assert shown(client, user)["INCOMING", "DAY"]["remaining"] == "20.00"
        assert refusal(deposit(client, user, "20.01")) == (400, "LIMIT_EXCEEDED")

    def test_a_user_s_own_limit_takes_precedence(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "30.00")

        set_role_limit(client, "USER", "DEPOSIT", "20.00")

        assert deposit(client, user, "30.00").status_code == 200

    def test_each_change_is_audited(self, client: FlaskClient) -> None:
        for amount in ("20.00", "25.00"):
            set_role_limit(client, "MERCHANT", "PAYOUT", amount)

        with db.transaction() as session:
            first, second = session.scalars(
                select(AuditRecord).where(AuditRecord.target_type == "limit").order_by("id")
            ).all()
        assert (first.action, second.action) == ("limit.set", "limit.set")
        assert first.target_id == second.target_id
        assert second.details == {
            "role": "MERCHANT",
            "type": "PAYOUT",
            "window": "DAY",
            "amount": "25.00",
            "currency": "USD",
        }

    @pytest.mark.parametrize("role", ["GUEST", "user", UNKNOWN])
    def test_an_unknown_role_is_not_found(self, client: FlaskClient, role: str) -> None:
        assert refusal(set_role_limit(client, role, "DEPOSIT", "1.00")) == (404, "ROLE_NOT_FOUND")

    @pytest.mark.parametrize(
        ("kind", "amount", "field"),
        [("EARNING", "1.00", "type"), ("DEPOSIT", "-1", "amount"), ("DEPOSIT", "0.001", "amount")],
    )
    def test_an_invalid_limit_is_refused(
        self, client: FlaskClient, kind: str, amount: str, field: str
    ) -> None:
        answer = set_role_limit(client, "USER", kind, amount)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]
