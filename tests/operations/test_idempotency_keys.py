"""Every operation that takes an Idempotency-Key is executed once per key."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common.db import snapshot, transaction
from app.common.http import request_fingerprint, unparsed_fingerprint
from app.idempotency import http as idempotency_http
from app.verify import repository
from app.verify.invariant import Scope
from app.verify.report import INVARIANTS, violations
from tests.operations.access_matrix import EXPECTED, ROLES, Route
from tests.operations.sample_requests import SampleData
from tests.test_openapi import WITHOUT_KEY

KEY = {"Idempotency-Key": "once-7f3a"}

#: It ends the session of its caller, and nothing is replayed to an ended session.
OWN_SESSION = ("DELETE", "/api/v1/auth/sessions/{login_session_id}")

#: The operations that take a key, as test_openapi.py asserts.
WITH_KEY = [
    route
    for route in EXPECTED
    if route[0] != "GET" and "/api/v1/" in route[1] and " ".join(route) not in WITHOUT_KEY
]


def written() -> list[int]:
    """The number of events and audit log entries, and the latest change of a product."""
    with transaction() as session:
        return [
            int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
            for table in ("outbox_events", "audit_log", "products", "coupons", "orders")
        ]


def unexplained_keys() -> list[str]:
    """The keys that violate the invariant about their effects."""
    (invariant,) = (one for one in INVARIANTS if one.name.startswith("A stored success has its"))
    with snapshot() as session:
        return repository.select_rows(session, invariant.sql, Scope.starting(None).parameters)


def caller_of(route: Route) -> str:
    """A caller who is accepted, or else one whose request is refused after authentication."""
    row = EXPECTED[route]
    by_status = sorted(ROLES, key=lambda caller: (row[caller] in (401, 403), row[caller]))
    return by_status[0]


@pytest.mark.parametrize("route", [one for one in WITH_KEY if one != OWN_SESSION], ids=" ".join)
def test_a_repeated_request_is_executed_once_and_gets_the_same_response(
    client: FlaskClient, data: SampleData, route: Route
) -> None:
    caller = caller_of(route)

    first = data.send(client, route, caller, **KEY)
    after_first = written()
    again = data.send(client, route, caller, respelt=True, **KEY)

    assert first.status_code == EXPECTED[route][caller], first.text
    assert first.status_code == 204 or first.mimetype == "application/json"
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert written() == after_first
    assert unexplained_keys() == []


def test_secrets_are_not_stored(
    client: FlaskClient, data: SampleData, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = []
    monkeypatch.setattr(
        idempotency_http,
        "request_fingerprint",
        lambda: plain.append(request_fingerprint()) or plain[-1],
    )

    made = data.send(client, ("POST", "/api/v1/auth/api-keys"), "seller", **KEY)

    with transaction() as session:
        stored = session.execute(text("SELECT fingerprint, body FROM idempotency_keys")).one()
    assert made.json["key"].encode() not in bytes(stored.body)
    # The password could be guessed from an unkeyed hash.
    assert plain[0] != bytes(stored.fingerprint)


def test_the_same_key_for_another_request_is_refused(client: FlaskClient, data: SampleData) -> None:
    void = ("POST", "/api/v1/wallet/holds/{hold_id}/void")
    capture = ("POST", "/api/v1/wallet/holds/{hold_id}/capture")

    assert data.send(client, void, "seller", **KEY).status_code == 200
    answer = data.send(client, capture, "seller", **KEY)

    assert (answer.status_code, answer.json["error"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_key_of_version_1_0_still_belongs_to_its_request(
    client: FlaskClient, data: SampleData, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ("POST", "/api/v1/wallet/deposit")
    with monkeypatch.context() as patch:
        patch.setattr(idempotency_http, "request_fingerprint", unparsed_fingerprint)
        first = data.send(client, create, "buyer", **KEY)
    again = data.send(client, create, "buyer", **KEY)

    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_refused_request_leaves_nothing_behind(client: FlaskClient, data: SampleData) -> None:
    create = ("POST", "/api/v1/coupons")
    before = written()
    data.send(client, create, "seller", **KEY)
    taken = data.send(client, create, "seller", **{"Idempotency-Key": "another"})

    assert (taken.status_code, taken.json["error"]) == (409, "COUPON_CODE_TAKEN")
    assert written()[3] == before[3] + 1


def test_verify_expects_no_money_of_a_request_that_moves_none(
    client: FlaskClient, data: SampleData
) -> None:
    create = ("POST", "/api/v1/coupons")
    assert data.send(client, create, "seller", **KEY).status_code == 201
    assert [invariant.name for invariant, rows in violations() if rows] == []
