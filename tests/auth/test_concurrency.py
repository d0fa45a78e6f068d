"""Concurrent sign-ins and API keys, with real commits."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.auth import service as auth
from app.auth.handles import service as handles
from app.auth.handles.links import LINKS
from app.auth.handles.models import Purpose
from app.auth.models import Role, User
from app.common import db
from app.common.db import transaction
from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes


def post(app: Flask, path: str, body: Any, **headers: str) -> Any:
    return app.test_client().post(f"/api/v1/auth/{path}", json=body, headers=headers)


def sign_in(app: Flask) -> Any:
    credentials = {"email": factories.buyer().email, "password": factories.PASSWORD}
    return post(app, "login", credentials).json


def test_an_email_is_registered_once_whatever_its_case(committing: Flask) -> None:
    emails = ["alice@example.com", "Alice@Example.com", "ALICE@EXAMPLE.COM", "alicE@example.com"]

    answers = all_at_once(
        lambda email: post(
            committing, "register", {"email": email, "password": "SecurePass1!", "role": "USER"}
        ),
        emails * 5,
        threads=20,
    )

    assert outcomes(answers) == {(201, None): 1, (409, "EMAIL_TAKEN"): 19}
    assert broken_invariants() == []


def test_a_reused_refresh_token_revokes_its_whole_session(
    committing: Flask,
) -> None:
    tokens = sign_in(committing)

    answers = all_at_once(
        lambda _: post(committing, "refresh", {"refreshToken": tokens["refreshToken"]}),
        range(20),
        threads=20,
    )

    counts = outcomes(answers)
    assert counts == {(200, None): 1, (401, "INVALID_REFRESH_TOKEN"): 19}
    (winner,) = (answer.json for answer in answers if answer.status_code == 200)
    late = post(committing, "refresh", {"refreshToken": winner["refreshToken"]})
    assert late.status_code == 401
    for token in (tokens["accessToken"], winner["accessToken"]):
        me = committing.test_client().get(
            "/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}
        )
        assert me.status_code == 401
    assert broken_invariants() == []


def test_concurrent_sign_ins_and_sign_outs_do_not_interfere(committing: Flask) -> None:
    buyer = factories.buyer()
    credentials = {"email": buyer.email, "password": factories.PASSWORD}

    def visit(_: int) -> Any:
        token = post(committing, "login", credentials).json["accessToken"]
        return post(committing, "logout", None, Authorization=f"Bearer {token}")

    answers = all_at_once(visit, range(20), threads=20)

    assert {answer.status_code for answer in answers} == {204}
    sessions = committing.test_client().get("/api/v1/auth/sessions", headers=buyer.headers).json
    assert [session["current"] for session in sessions] == [True]
    assert broken_invariants() == []


def test_no_session_survives_a_concurrent_deactivation(committing: Flask) -> None:
    buyer, admin = factories.buyer(), factories.admin()
    credentials = {"email": buyer.email, "password": factories.PASSWORD}

    def act(number: int) -> Any:
        if number == 8:
            return committing.test_client().post(
                f"/api/v1/admin/users/{buyer.id}/deactivate",
                json={"reason": "fraud"},
                headers=admin.headers,
            )
        return post(committing, "login", credentials)

    answers = all_at_once(act, range(20), threads=20)

    assert set(outcomes(answers)) <= {(200, None), (401, "INVALID_CREDENTIALS")}
    tokens = [a.json["accessToken"] for a in answers if "accessToken" in a.json]
    for token in [*tokens, buyer.token]:
        me = committing.test_client().get(
            "/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}
        )
        assert me.status_code == 401
    assert broken_invariants() == []


def test_no_request_that_begins_after_the_revocation_of_its_key_succeeds(committing: Flask) -> None:
    shop = factories.actor(Role.MERCHANT, balance="1000.00")
    key = factories.api_key(shop)
    product_id = factories.product(factories.merchant(), price="0.10", units=10_000)
    order = {"productId": str(product_id), "paymentMethod": "WALLET"}
    requests = (
        ("POST", "orders", order),
        ("POST", "wallet/withdraw", {"amount": "1.00"}),
        ("POST", "products", {"name": "Course", "price": "5.00", "availableUnits": 1}),
        ("GET", "wallet", None),
    )
    served, revoked = threading.Semaphore(0), threading.Event()

    def use(number: int) -> Any:
        """Send requests until one is refused. Returns its status."""
        method, path, body = requests[number % len(requests)]
        for _ in range(500):
            late = revoked.is_set()
            answer = committing.test_client().open(
                f"/api/v1/{path}", method=method, json=body, headers=key.headers
            )
            served.release()
            if answer.status_code == 401:
                return 401
            assert answer.status_code in (200, 201), answer.text
            assert not late, path
        return answer.status_code

    def act(number: int) -> Any:
        if number < 20:
            return use(number)
        for _ in range(40):  # so that most threads have been served by then
            served.acquire()
        url = f"/api/v1/auth/api-keys/{key.id}"
        answer = committing.test_client().delete(url, headers=shop.headers)
        revoked.set()
        return answer.status_code

    assert all_at_once(act, range(21), threads=21) == [401] * 20 + [204]
    assert broken_invariants() == []


def test_concurrent_creations_cannot_exceed_twenty_keys(committing: Flask) -> None:
    shop = factories.merchant()
    fields = {"name": "Server", "scopes": ["wallet:read"], "password": factories.PASSWORD}

    answers = all_at_once(
        lambda _: post(committing, "api-keys", fields, **shop.headers), range(30), threads=15
    )

    assert outcomes(answers) == {(201, None): 20, (403, "QUOTA_EXCEEDED"): 10}
    assert len({answer.json["key"] for answer in answers if answer.status_code == 201}) == 20
    assert broken_invariants() == []


def test_no_key_created_during_a_deactivation_remains_valid(committing: Flask) -> None:
    shop, admin = factories.merchant(), factories.admin()
    fields = {"name": "Server", "scopes": ["wallet:read"], "password": factories.PASSWORD}

    def act(number: int) -> Any:
        if number == 8:
            url = f"/api/v1/admin/users/{shop.id}"
            client = committing.test_client()
            reason = {"json": {"reason": "fraud"}, "headers": admin.headers}
            client.post(f"{url}/deactivate", **reason)
            return client.post(f"{url}/activate", **reason)
        return post(committing, "api-keys", fields, **shop.headers)

    answers = all_at_once(act, range(18), threads=18)

    assert set(outcomes(answers)) <= {(201, None), (200, None), (401, "UNAUTHORIZED")}
    for answer in answers:
        if answer.status_code == 201:
            headers = {"Authorization": f"Bearer {answer.json['key']}"}
            wallet = committing.test_client().get("/api/v1/wallet", headers=headers)
            assert wallet.status_code == 401
    assert broken_invariants() == []


def test_administrators_who_deactivate_each_other_leave_one(committing: Flask) -> None:
    for count in (2, 3):
        admins = [factories.admin() for _ in range(count)]
        others = [*admins[1:], admins[0]]

        answers = all_at_once(
            lambda pair: committing.test_client().post(
                f"/api/v1/admin/users/{pair[1].id}/deactivate",
                json={"reason": "No longer with us"},
                headers=pair[0].headers,
            ),
            list(zip(admins, others, strict=True)),
        )

        # 401: deactivated before.
        found = outcomes(answers)
        assert set(found) <= {(200, None), (409, "LAST_ADMINISTRATOR"), (401, "UNAUTHORIZED")}
        with db.reading() as session:
            active = select(User.id).where(User.role == Role.ADMIN, User.is_active)
            left = session.scalars(active).all()
        assert len(left) == count - found[200, None] >= 1
        with db.transaction() as session:
            factories.as_owner(session, "UPDATE users SET is_active = false WHERE role = 'ADMIN'")


@pytest.mark.parametrize("is_held", [False, True])
def test_an_address_is_verified_by_one_account(committing: Flask, is_held: bool) -> None:
    email = "wanted@example.com"
    if is_held:
        with transaction() as session:
            auth.register(session, email=email, password_hash="", role=Role.USER)
    tokens = []
    for _ in range(10):
        user = factories.actor()
        with transaction() as session:
            handles.request(session, user_id=user.id, purpose=Purpose.EMAIL_CHANGE, handle=email)
            requested = handles.process_requests(session, limit=1)
        tokens.append(LINKS.sign(requested[0].id))

    answers = all_at_once(
        lambda token: post(committing, "email/verification/confirm", {"verificationToken": token}),
        tokens,
        threads=10,
    )

    won = [answer for answer in answers if answer.status_code == 204]
    lost = [answer for answer in answers if answer.status_code != 204]
    assert (len(won), outcomes(lost)) == (1, {(400, "VERIFICATION_INVALID"): 9})
    assert broken_invariants() == []
