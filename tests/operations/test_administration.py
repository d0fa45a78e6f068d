"""What administrators do: with a second factor, not to themselves, and in the audit log.

The operations are those that the OpenAPI document opens to administrators only.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.audit.models import AuditRecord
from app.auth.models import Role
from app.common.db import reading
from tests import factories
from tests.authenticator import ManualClock, enable_two_factor, status
from tests.operations.access_matrix import EXPECTED, Route, operations_of
from tests.operations.sample_requests import QUERIES, SampleData

#: By the OpenAPI document, which `test_the_operations_are_those_of_the_document` compares.
OPERATIONS = [
    route
    for route in EXPECTED
    if route[1].startswith("/api/v1/admin/")
    or route[1] in {f"/api/v1/insights/{name}" for name in ("stats", "slo", "health")}
]
CHANGES = [route for route in OPERATIONS if route[0] != "GET"]

LOCK = ("POST", "/api/v1/admin/wallets/{wallet_id}/lock")
RECONCILE = ("POST", "/api/v1/admin/reconciliations")
RULES, CASES = "/api/v1/admin/risk/rules", "/api/v1/admin/risk/cases/{case_id}"
#: Drafts decide nothing, and neither does who works on a case.
PREPARATIONS = [
    *(("POST", RULES), ("PATCH", f"{RULES}/{{rule_id}}"), ("DELETE", f"{RULES}/{{rule_id}}")),
    *(("POST", f"{CASES}/{action}") for action in ("assign", "snooze", "notes")),
]
#: Locking must be quick, and a comparison without `apply` changes nothing.
WITHOUT_CODE = [LOCK, RECONCILE, *PREPARATIONS]

SETTLE = ("POST", "/api/v1/admin/refunds/{refund_id}/settle")
#: The sample data has no refund that was refused, no user with a second factor, no case of risk
#: screening and no rule in force. Their own tests check that these are in the audit log.
REFUSED = [
    SETTLE,
    ("POST", "/api/v1/admin/users/{user_id}/reset-two-factor"),
    ("POST", f"{RULES}/{{rule_id}}/retire"),
    *(route for route in CHANGES if route[1].startswith(CASES)),
]
REFUND = ("POST", "/api/v1/admin/orders/{order_id}/refunds")
#: Fees are those of merchants, and administrators are none; events move no money; categories,
#: simulated traffic and risk rules are nobody's. Cases and refunds have tests of their own.
NOT_OF_A_USER = [
    *(SETTLE, RECONCILE, REFUND),
    *(
        route
        for route in CHANGES
        if any(
            part in route[1]
            for part in ("{merchant_id}", "event", "/categories", "/traffic", "/risk/")
        )
    ),
]


def test_the_operations_are_those_of_the_document(app: Flask) -> None:
    for_admins = {
        route
        for route, operation in operations_of(app).items()
        if operation.get("x-required-roles") == [Role.ADMIN]
    }
    assert for_admins == set(OPERATIONS)


@pytest.mark.parametrize("route", CHANGES, ids=" ".join)
def test_the_document_names_the_code(app: Flask, route: Route) -> None:
    parameters = operations_of(app)[route].get("parameters", ())
    named = any(parameter.get("name") == "X-Two-Factor-Code" for parameter in parameters)
    assert named == (route not in (LOCK, *PREPARATIONS))


class TestSecondFactor:
    @pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
    def test_an_administrator_without_one_is_refused(
        self,
        client: FlaskClient,
        data: SampleData,
        change_settings: Callable[..., None],
        route: Route,
    ) -> None:
        change_settings(admin_two_factor=True)

        with data.send(client, route, "admin") as answer:
            assert answer.status_code == 403
            assert answer.json["error"] == "TWO_FACTOR_REQUIRED"
            assert answer.json["details"] == {"enrolled": False}

    @pytest.mark.parametrize("is_required", [True, False])
    @pytest.mark.parametrize("route", CHANGES, ids=" ".join)
    def test_each_change_needs_a_fresh_code(
        self,
        client: FlaskClient,
        data: SampleData,
        change_settings: Callable[..., None],
        totp_clock: ManualClock,
        route: Route,
        is_required: bool,
    ) -> None:
        change_settings(admin_two_factor=is_required)
        authenticator = enable_two_factor(client, data.actors["admin"], totp_clock)
        expected = EXPECTED[route]["admin"]

        def send(code: str | None) -> tuple[int, str | None]:
            headers = {"X-Two-Factor-Code": code} if code else {}
            with data.send(client, route, "admin", **headers) as answer:
                refused = answer.status_code >= 400
                return answer.status_code, answer.json["error"] if refused else None

        if route in WITHOUT_CODE or route in REFUSED:  # refused for another reason first
            assert send(None)[0] == expected
            return
        code = authenticator.code()
        assert send(None) == (403, "TWO_FACTOR_REQUIRED")
        assert send(authenticator.wrong_code()) == (403, "TWO_FACTOR_REQUIRED")
        assert send(code)[0] == expected
        assert send(code)[0] in {403, 404, 409}  # deleted, settled or created before

    def test_resetting_the_second_factor_of_another_user_needs_a_code(
        self, client: FlaskClient, data: SampleData, totp_clock: ManualClock
    ) -> None:
        user = factories.actor()
        enable_two_factor(client, user, totp_clock)
        admin = data.actors["admin"]
        authenticator = enable_two_factor(client, admin, totp_clock)

        def reset(**headers: str) -> int:
            return client.post(
                f"/api/v1/admin/users/{user.id}/reset-two-factor",
                json={"reason": "Lost phone and paper; passport seen"},
                headers=admin.headers | headers,
            ).status_code

        assert reset() == 403
        assert status(client, user)["enabled"]
        assert reset(**{"X-Two-Factor-Code": authenticator.code()}) == 204
        assert not status(client, user)["enabled"]

    def test_applying_a_reconciliation_needs_a_code(
        self,
        client: FlaskClient,
        data: SampleData,
        totp_clock: ManualClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        enable_two_factor(client, data.actors["admin"], totp_clock)
        monkeypatch.setitem(QUERIES, RECONCILE, QUERIES[RECONCILE] | {"apply": "true"})

        assert data.call(client, RECONCILE, "admin") == 403

    def test_without_the_requirement_nothing_changes(
        self, client: FlaskClient, data: SampleData, change_settings: Callable[..., None]
    ) -> None:
        change_settings(admin_two_factor=False)

        assert data.call(client, LOCK, "admin") == 200


@pytest.mark.parametrize("route", [r for r in CHANGES if r not in REFUSED], ids=" ".join)
def test_each_change_is_in_the_audit_log(
    client: FlaskClient, data: SampleData, route: Route
) -> None:
    admin = data.actors["admin"]

    def records() -> int:
        mine = select(func.count()).where(AuditRecord.actor_id == admin.id)
        with reading() as session:
            return session.scalar(mine) or 0

    before = records()
    assert data.call(client, route, "admin") < 300
    assert records() == before + 1


@pytest.mark.parametrize("route", [r for r in CHANGES if r not in NOT_OF_A_USER], ids=" ".join)
def test_administrators_do_nothing_to_themselves(
    client: FlaskClient, data: SampleData, monkeypatch: pytest.MonkeyPatch, route: Route
) -> None:
    admin = data.actors["admin"]
    wallet: dict[str, Any] = client.get("/api/v1/wallet", headers=admin.headers).json
    own = {"user_id": str(admin.id), "wallet_id": wallet["id"], "role": Role.ADMIN}
    monkeypatch.setattr(data, "names", data.names | own)

    with data.send(client, route, "admin") as answer:
        assert answer.status_code == 403, answer.text
        assert answer.json["error"] == "OWN_ACCOUNT"
