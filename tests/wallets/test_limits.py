"""Limits, over HTTP."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.common import clock, db
from app.wallets.models import DIRECTIONS, WINDOWS, LimitType, LimitWindow
from tests import factories
from tests.responses import refusal
from tests.wallets.helpers import deposit, set_limit, withdraw


def test_each_limited_movement_counts_towards_one_direction() -> None:
    covered = sorted(kind.value for kinds in DIRECTIONS.values() for kind in kinds)
    assert covered == sorted(limit.value for limit in LimitType if limit not in DIRECTIONS)


def test_each_window_but_the_single_transaction_has_a_length() -> None:
    assert set(WINDOWS) == set(LimitWindow) - {LimitWindow.TRANSACTION}


class TestLimits:
    @pytest.mark.parametrize(
        ("window", "name"), [("DAY", "day"), ("MONTH", "month"), ("TRANSACTION", "transaction")]
    )
    def test_a_user_s_own_limit_applies(self, client: FlaskClient, window: str, name: str) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", window, "100.00")

        answer = deposit(client, user, "100.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["message"] == (
            f"This would exceed your limit of $100.00 per {name}; $100.00 is left"
        )
        assert answer.json["details"] == {
            "type": "DEPOSIT",
            "window": window,
            "limit": "100.00",
            "used": "0.00",
            "remaining": "100.00",
        }
        assert deposit(client, user, "100.00").status_code == 200

    @pytest.mark.parametrize("window", ["DAY", "MONTH"])
    def test_movements_in_the_window_count(self, client: FlaskClient, window: str) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", window, "100.00")
        deposit(client, user, "60.00")

        answer = deposit(client, user, "40.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert (answer.json["details"]["used"], answer.json["details"]["remaining"]) == (
            "60.00",
            "40.00",
        )
        assert deposit(client, user, "40.00").status_code == 200
        assert refusal(deposit(client, user, "0.01")) == (400, "LIMIT_EXCEEDED")

    def test_a_limit_per_transaction_is_not_cumulative(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "TRANSACTION", "100.00")

        assert [deposit(client, user, "100.00").status_code for _ in range(3)] == [200] * 3

    def test_movements_before_the_window_do_not_count(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "100.00")
        now = clock.now()
        with monkeypatch.context() as past:
            past.setattr(clock, "now", lambda: now - timedelta(hours=24, seconds=1))
            assert deposit(client, user, "100.00").status_code == 200

        assert deposit(client, user, "100.00").status_code == 200
        assert refusal(deposit(client, user, "0.01")) == (400, "LIMIT_EXCEEDED")

    def test_directions_are_limited_separately(self, client: FlaskClient) -> None:
        user = factories.buyer("50.00")
        set_limit(client, user, "WITHDRAWAL", "DAY", "10.00")

        assert deposit(client, user, "100.00").status_code == 200
        assert withdraw(client, user, "10.00").status_code == 200
        answer = withdraw(client, user, "1.00")
        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["details"]["type"] == "WITHDRAWAL"

    def test_a_refused_movement_does_not_count(self, client: FlaskClient) -> None:
        user = factories.buyer("5.00")
        set_limit(client, user, "WITHDRAWAL", "DAY", "5.00")

        withdraw(client, user, "6.00")

        assert withdraw(client, user, "5.00").status_code == 200

    def test_a_user_has_the_limits_of_the_role_by_default(
        self, client: FlaskClient, change_settings: Callable[..., None]
    ) -> None:
        change_settings(maximum_deposit=Decimal("2000000.00"))
        user = factories.actor()

        answer = deposit(client, user, "1000000.01")

        assert refusal(answer) == (400, "LIMIT_EXCEEDED")
        assert answer.json["details"]["limit"] == "1000000.00"
        set_limit(client, user, "DEPOSIT", "DAY", "2000000.00")
        assert deposit(client, user, "1000000.01").status_code == 200

    def test_a_limit_of_zero_refuses_every_amount(self, client: FlaskClient) -> None:
        user = factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "0")

        assert refusal(deposit(client, user, "0.01")) == (400, "LIMIT_EXCEEDED")

    def test_a_user_s_limit_does_not_apply_to_others(self, client: FlaskClient) -> None:
        user, other = factories.actor(), factories.actor()
        set_limit(client, user, "DEPOSIT", "DAY", "0")

        assert deposit(client, other, "1.00").status_code == 200

    def test_setting_a_limit_returns_it_and_is_audited(self, client: FlaskClient) -> None:
        user = factories.actor()

        answers = [set_limit(client, user, "DEPOSIT", "DAY", amount) for amount in ("5", "7.50")]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[1].text == (
            '{"type":"DEPOSIT","window":"DAY","amount":"7.50","currency":"USD"}'
        )
        with db.transaction() as session:
            records = session.scalars(
                select(AuditRecord).where(AuditRecord.target_id == user.id).order_by(AuditRecord.id)
            ).all()
        assert [record.action for record in records] == ["limit.set"] * 2
        assert records[1].details["amount"] == "7.50"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("type", "EARNING"),
            ("type", None),
            ("window", "WEEK"),
            ("window", "day"),
            ("amount", "-1"),
            ("amount", "0.001"),
            ("amount", True),
        ],
    )
    def test_an_invalid_limit_is_refused(self, client: FlaskClient, field: str, value: Any) -> None:
        body = {"type": "DEPOSIT", "window": "DAY", "amount": "1.00"} | {field: value}

        answer = client.put(
            f"/api/v1/admin/users/{factories.actor().id}/limits",
            json=body,
            headers=factories.admin().headers,
        )

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_an_unknown_user_is_not_found(self, client: FlaskClient) -> None:
        answer = client.put(
            "/api/v1/admin/users/01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11/limits",
            json={"type": "DEPOSIT", "window": "DAY", "amount": "1.00"},
            headers=factories.admin().headers,
        )

        assert refusal(answer) == (404, "USER_NOT_FOUND")
