"""Users and wallets, as administrators find them."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.administration.accounts import repository
from app.auth.models import Role
from app.common import clock
from app.common.db import transaction
from app.wallets import ledger
from app.wallets.models import SystemCode
from tests import factories
from tests.administration.helpers import ADMIN, actions_of, get, ids, rows
from tests.authenticator import ManualClock, enable_two_factor
from tests.factories import Actor
from tests.lists import pages_of
from tests.responses import refusal


@pytest.fixture
def admin(client: FlaskClient) -> Actor:
    return factories.admin()


def named(client: FlaskClient, first: str, last: str, **account: Any) -> Actor:
    user = factories.actor(**account)
    body = {"firstName": first, "lastName": last}
    assert client.patch("/api/v1/auth/me", json=body, headers=user.headers).status_code == 200
    return user


class TestSearch:
    @pytest.mark.parametrize(
        "typed",
        [
            "zoë",
            "ZOE QUILL",
            "ill",
            "+1 (415) 555-0123",
            "415.555.01",
            "5550123",
            "1\u00a0415\u2011555\u20110123",
            "zo",
        ],
    )
    def test_a_user_is_found_by_any_part_of_name_or_phone(
        self, client: FlaskClient, admin: Actor, typed: str
    ) -> None:
        zoe = named(client, "Zoé", "Quill", phone="+14155550123")
        named(client, "Quinn", "Other", phone="+14155559999")

        assert ids(client, admin, "users", q=typed) == [str(zoe.id)]

    def test_a_user_is_found_by_a_part_of_the_email(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        user = factories.merchant()
        assert ids(client, admin, "users", q=user.email.upper()) == [str(user.id)]
        assert ids(client, admin, "users", q=user.email.partition("@")[0]) == [str(user.id)]

    def test_a_merchant_is_found_by_a_part_of_the_shop(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        seller = factories.merchant()
        shop = client.patch("/api/v1/shop", json={"name": "Café Noir"}, headers=seller.headers)
        assert shop.status_code == 200
        (found,) = rows(client, admin, "users", q="cafe n")
        assert (found["id"], found["shopName"]) == (str(seller.id), "Café Noir")

    def test_no_text_is_found_across_two_fields(self, client: FlaskClient, admin: Actor) -> None:
        user = named(client, "Zoe", "Quill")
        assert ids(client, admin, "users", q=f"quill{user.email}") == []
        assert ids(client, admin, "users", q=f"quill {user.email}") == []

    @pytest.mark.parametrize("typed", ["%", "_", "\\", "Zo_", "' OR true --"])
    def test_signs_are_no_patterns(self, client: FlaskClient, admin: Actor, typed: str) -> None:
        named(client, "Zoe", "Quill")
        assert ids(client, admin, "users", q=typed) == []

    def test_pages_of_a_search_are_complete(self, client: FlaskClient, admin: Actor) -> None:
        quills = [str(named(client, f"Zoe {n}", "Quill").id) for n in range(5)]
        pages = list(pages_of(client, admin, f"{ADMIN}/users", q="quill", limit=2))
        assert [row["id"] for page in pages for row in page["data"]] == quills[::-1]
        assert {page["meta"]["total"] for page in pages} == {5}

    def test_of_many_matches_the_newest_are_found(
        self, client: FlaskClient, admin: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(repository, "MAX_MATCHES", 2)
        quills = [str(named(client, f"Zoe {n}", "Quill").id) for n in range(4)]
        pages = list(pages_of(client, admin, f"{ADMIN}/users", q="quill", limit=1))
        found = [row["id"] for page in pages for row in page["data"]]
        assert found[:2] == quills[:1:-1]
        assert pages[0]["meta"]["total"] == 2
        assert pages[0]["meta"]["totalIsCapped"]

    @pytest.mark.parametrize(("typed", "found"), [("quill", 1), ("zo", 0)])
    def test_old_users_are_found_by_the_index(
        self,
        client: FlaskClient,
        admin: Actor,
        monkeypatch: pytest.MonkeyPatch,
        typed: str,
        found: int,
    ) -> None:
        monkeypatch.setattr(repository, "NEWEST", 2)
        named(client, "Zoe", "Quill")
        for _ in range(2):
            factories.actor()
        assert len(ids(client, admin, "users", q=typed)) == found


class TestFilters:
    def test_role_state_and_registration(self, client: FlaskClient, admin: Actor) -> None:
        user, merchant, locked = factories.actor(), factories.merchant(), factories.actor()
        for path, target in (("users/{}/deactivate", merchant.id), ("wallets/{}/lock", None)):
            with transaction() as session:
                target = target or factories.wallet(session, locked.id).id
            url = f"{ADMIN}/{path.format(target)}"
            answer = client.post(url, json={"reason": "Under review"}, headers=admin.headers)
            assert answer.status_code == 200

        def found(**query: Any) -> set[str]:
            everybody = {str(one.id) for one in (admin, user, merchant, locked)}
            return everybody & set(ids(client, admin, "users", limit=100, **query))

        assert found(role=Role.MERCHANT) == {str(merchant.id)}
        assert found(role=Role.USER) == {str(user.id), str(locked.id)}
        assert found(state="ACTIVE") == {str(user.id), str(locked.id), str(admin.id)}
        assert found(state="DEACTIVATED") == {str(merchant.id)}
        assert found(state="LOCKED") == {str(locked.id)}
        assert found(state="LOCKED", role=Role.MERCHANT) == set()
        assert found(q=locked.email, state="LOCKED", role=Role.USER) == {str(locked.id)}
        assert found(q=locked.email, state="DEACTIVATED") == set()
        assert found(q=locked.email, role=Role.MERCHANT) == set()
        soon = (clock.now() + timedelta(minutes=1)).isoformat()
        assert found(since=soon) == set()
        assert found(q=locked.email, since=soon) == set()
        assert len(found(to=soon)) == 4


class TestDetails:
    def test_support_sees_state_wallet_and_second_factor(
        self, client: FlaskClient, admin: Actor, totp_clock: ManualClock
    ) -> None:
        user = named(client, "Zoe", "Quill", balance="25.00")
        before = get(client, admin, f"users/{user.id}")
        enable_two_factor(client, user, totp_clock)
        with transaction() as session:
            wallet = factories.wallet(session, user.id)
        reason = {"reason": "Chargeback under review"}
        client.post(f"{ADMIN}/wallets/{wallet.id}/lock", json=reason, headers=admin.headers)

        found = get(client, admin, f"users/{user.id}")
        assert found["user"]["email"] == user.email
        assert (found["user"]["firstName"], found["user"]["role"]) == ("Zoe", "USER")
        assert found["user"]["lastLoginAt"] is not None
        assert [one["twoFactor"]["enabled"] for one in (before, found)] == [False, True]
        (shown,) = found["wallets"]
        assert (shown["number"], shown["balance"]) == (wallet.number, "25.00")
        assert (shown["isLocked"], shown["lockReason"]) == (True, "Chargeback under review")
        quotas = found["quotasUrl"].partition("/api/v1")[2]
        for url in (quotas, found["limitsUrl"].partition("/api/v1")[2]):
            assert client.get(f"/api/v1{url}", headers=admin.headers).status_code == 200

    def test_reading_a_person_is_in_the_audit_log(self, client: FlaskClient, admin: Actor) -> None:
        user = factories.actor()
        with transaction() as session:
            wallet_id = factories.wallet(session, user.id).id
        ids(client, admin, "users")
        get(client, admin, f"users/{user.id}")
        get(client, admin, f"wallets/{wallet_id}/transactions")
        assert actions_of(admin) == [
            ("user.view", str(user.id)),
            ("wallet.view", str(wallet_id)),
        ]

    def test_unknown_users_and_wallets(self, client: FlaskClient, admin: Actor) -> None:
        platform = ledger.system_account(SystemCode.BANK, "USD").id
        for path, code in (
            (f"users/{platform}", "USER_NOT_FOUND"),
            (f"wallets/{admin.id}/transactions", "WALLET_NOT_FOUND"),
            (f"wallets/{platform}/transactions", "WALLET_NOT_FOUND"),
        ):
            answer = client.get(f"{ADMIN}/{path}", headers=admin.headers)
            assert refusal(answer) == (404, code)
        assert actions_of(admin) == []


class TestWallets:
    def test_wallets_are_found_by_owner_number_lock_and_currency(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        user, other = factories.buyer("25.00"), factories.actor()
        with transaction() as session:
            wallet = factories.wallet(session, user.id)
        typed = f"{wallet.number[:4]} {wallet.number[4:8]}-{wallet.number[8:]}"
        (found,) = rows(client, admin, "wallets", number=typed)
        assert found["id"] == str(wallet.id)
        assert (found["balance"], found["user"]["email"]) == ("25.00", user.email)

        assert ids(client, admin, "wallets", userId=user.id) == [str(wallet.id)]
        assert ids(client, admin, "wallets", userId=user.id, isLocked="true") == []
        url = f"{ADMIN}/wallets/{wallet.id}/lock"
        client.post(url, json={"reason": "Under review"}, headers=admin.headers)
        assert ids(client, admin, "wallets", isLocked="true") == [str(wallet.id)]
        unlocked = rows(client, admin, "wallets", isLocked="false", limit=100)
        assert str(user.id) not in {row["user"]["id"] for row in unlocked}
        assert str(other.id) in {row["user"]["id"] for row in unlocked}
        assert str(wallet.id) in ids(client, admin, "wallets", currency="USD", limit=100)
        assert ids(client, admin, "wallets", currency="EUR") == []

    def test_the_history_is_that_of_its_owner(self, client: FlaskClient, admin: Actor) -> None:
        user = factories.buyer("25.00")
        body = {"amount": "5.00"}
        client.post("/api/v1/wallet/withdraw", json=body, headers=user.headers)
        with transaction() as session:
            wallet_id = factories.wallet(session, user.id).id
        for query in ("", "?limit=1", "?type=DEPOSIT", "?to=2020-01-01"):
            own = client.get(f"/api/v1/wallet/transactions{query}", headers=user.headers).json
            found = get(client, admin, f"wallets/{wallet_id}/transactions{query}")
            assert found["data"] == own["data"]
            assert found["meta"]["total"] == own["meta"]["total"]


class TestSessions:
    def test_sessions_are_listed_newest_first_without_those_that_have_ended(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        user = factories.buyer()
        sign_in(client, user, "Second/1.0")
        ended = sign_in(client, user, "Third/1.0")
        assert client.post("/api/v1/auth/logout", headers=ended).status_code == 204
        found = rows(client, admin, f"users/{user.id}/sessions")
        assert found[0]["userAgent"] == "Second/1.0"
        assert "Third/1.0" not in [row["userAgent"] for row in found]
        assert "current" not in found[0]
        assert actions_of(admin) == [("user.view", str(user.id))]

    def test_all_sessions_end_at_once_and_the_reason_is_recorded(
        self, client: FlaskClient, admin: Actor
    ) -> None:
        user = factories.buyer()
        other = sign_in(client, user, "Second/1.0")
        url = f"{ADMIN}/users/{user.id}/revoke-sessions"
        answer = client.post(url, json={"reason": "Lost phone"}, headers=admin.headers)
        assert answer.status_code == 204
        for headers in (user.headers, other):
            assert client.get("/api/v1/auth/me", headers=headers).status_code == 401
        assert rows(client, admin, f"users/{user.id}/sessions") == []
        assert actions_of(admin)[0] == ("user.revoke-sessions", str(user.id))
        assert sign_in(client, user, "Second/1.0")

    def test_administrators_do_not_end_their_own(self, client: FlaskClient, admin: Actor) -> None:
        url = f"{ADMIN}/users/{admin.id}/revoke-sessions"
        answer = client.post(url, json={"reason": "Mine"}, headers=admin.headers)
        assert refusal(answer) == (403, "OWN_ACCOUNT")


def sign_in(client: FlaskClient, user: Actor, program: str) -> dict[str, str]:
    """Sign in once more. Returns headers with the access token."""
    account = {"email": user.email, "password": factories.PASSWORD}
    answer = client.post("/api/v1/auth/login", json=account, headers={"User-Agent": program})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json['accessToken']}"}
