"""Accounts and sign-in, over HTTP."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.auth import passwords
from app.auth.models import Role
from app.common import db
from app.common.fair_executor import FairExecutor
from app.events.models import OutboxEvent
from tests import factories
from tests.auth.helpers import (
    AUTH,
    JWT,
    bearer,
    deactivate,
    login,
    me,
    register,
    same_refusal,
    signed_in,
)
from tests.responses import TIME, UUID_TEXT, error_body, refusal


class TestRegistering:
    def test_the_response_has_exactly_the_documented_body(self, client: FlaskClient) -> None:
        answer = register(client, firstName="Alice", lastName="Jones")

        assert answer.status_code == 201
        assert re.fullmatch(
            rf'{{"user":{{"id":"{UUID_TEXT}","email":"alice@example.com","role":"USER",'
            rf'"firstName":"Alice","lastName":"Jones","createdAt":"{TIME}"}},'
            rf'"accessToken":"{JWT}","refreshToken":"{JWT}"}}',
            answer.text,
        )

    def test_names_are_optional(self, client: FlaskClient) -> None:
        user = register(client, firstName=None).json["user"]

        assert (user["firstName"], user["lastName"]) == (None, None)

    def test_a_registration_signs_in_and_opens_an_empty_wallet(self, client: FlaskClient) -> None:
        token = register(client).json["accessToken"]

        wallet = client.get("/api/v1/wallet", headers=bearer(token))

        assert wallet.status_code == 200
        assert wallet.json["balance"] == "0.00"
        assert wallet.json["currency"] == "USD"

    def test_the_event_is_in_the_outbox(self, client: FlaskClient) -> None:
        user_id = UUID(register(client, role="MERCHANT").json["user"]["id"])

        with db.transaction() as session:
            (event,) = session.scalars(
                select(OutboxEvent).where(OutboxEvent.aggregate_id == user_id)
            )

        assert (event.type, event.aggregate_type) == ("account-created", "user")
        assert event.data == {"role": "MERCHANT"}

    @pytest.mark.parametrize(
        "email", ["alice@example.com", "ALICE@example.com", "Alice@EXAMPLE.com"]
    )
    def test_an_email_is_taken_whatever_its_case(self, client: FlaskClient, email: str) -> None:
        register(client)

        answer = register(client, email=email)

        assert refusal(answer) == (409, "EMAIL_TAKEN")
        assert answer.json["message"] == "User with this email already exists"

    def test_concurrent_registrations_create_one_account(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register(client)
        # As if the other registration had been committed between the check and the insert.
        monkeypatch.setattr("app.auth.service.require_email_free", lambda *_, **__: None)

        assert refusal(register(client)) == (409, "EMAIL_TAKEN")

    @pytest.mark.parametrize("role", ["ADMIN", "admin", "user", "", "ROOT", None, 1, ["USER"]])
    def test_only_the_roles_user_and_merchant_can_be_chosen(
        self, client: FlaskClient, role: Any
    ) -> None:
        answer = register(client, role=role)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["role"]

    @pytest.mark.parametrize(
        "password",
        [
            "k7#pQ2x!",
            "k7#pQ2x!" * 9,
            "é7#pQ2x",  # 7 characters, 8 bytes
            "é7#pQ2x!" * 8,  # 64 characters, 72 bytes
            "  spaces count  ",
        ],
    )
    def test_passwords_of_8_characters_to_72_bytes_are_accepted(
        self, client: FlaskClient, password: str
    ) -> None:
        assert register(client, password=password).status_code == 201
        assert login(client, password=password).status_code == 200

    @pytest.mark.parametrize(
        "password", ["k7#pQ2x", "k7#pQ2x!" * 9 + "k", "é7#pQ2x!" * 8 + "k", "€€", "", "🔑7#pQ" * 10]
    )
    def test_passwords_of_other_lengths_are_refused(
        self, client: FlaskClient, password: str
    ) -> None:
        answer = register(client, password=password)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["password"]

    @pytest.mark.parametrize(
        "password", ["password", "PASSWORD", "12345678", "iloveyou", "trustno1"]
    )
    def test_the_most_common_passwords_are_refused(
        self, client: FlaskClient, password: str
    ) -> None:
        answer = register(client, password=password)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert answer.json["details"] == {"password": ["Too common, or too easy to guess."]}

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "alice",
            "alice@",
            "@example.com",
            "alice@example",
            "al ice@example.com",
            "alice@exa mple.com",
            "alice@@example.com",
            "alice..b@example.com",
            "alice@" + "a" * 250 + ".com",
            "alice@example.com\nBcc: eve@example.com",
            5,
            None,
            ["alice@example.com"],
        ],
    )
    def test_an_invalid_email_is_refused(self, client: FlaskClient, email: Any) -> None:
        answer = register(client, email=email)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["email"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("firstName", 5), ("firstName", ""), ("lastName", "x" * 101), ("nickname", "Al")],
    )
    def test_wrong_types_and_unknown_fields_are_refused(
        self, client: FlaskClient, field: str, value: Any
    ) -> None:
        answer = register(client, **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_all_missing_fields_are_named(self, client: FlaskClient) -> None:
        answer = client.post(f"{AUTH}/register", json={})

        assert sorted(error_body(answer)["details"]) == ["email", "password", "role"]


class TestSigningIn:
    def test_the_response_has_exactly_the_documented_body(self, client: FlaskClient) -> None:
        register(client, firstName="Alice")

        answer = login(client)

        assert answer.status_code == 200
        assert signed_in("alice@example.com", first_name="Alice").fullmatch(answer.text)

    def test_the_case_of_the_email_does_not_matter(self, client: FlaskClient) -> None:
        register(client, email="Alice@Example.com")

        assert login(client, "aLICE@eXAMPLE.COM").status_code == 200

    def test_a_wrong_email_and_a_wrong_password_get_the_same_response(
        self, client: FlaskClient
    ) -> None:
        register(client)

        answers = [login(client, "nobody@example.com"), login(client, password="correct-horse-2")]

        assert same_refusal(answers)["message"] == "Invalid credentials"

    def test_a_wrong_email_and_a_wrong_password_cost_the_same_hashing(
        self, client: FlaskClient, hashed: list[bytes]
    ) -> None:
        register(client)
        login(client, "nobody@example.com")
        login(client, password="correct-horse-2")
        login(client, password="x" * 100)

        assert hashed == [b"$2b$04$"] * 3

    def test_a_longer_password_is_not_truncated_to_the_right_one(self, client: FlaskClient) -> None:
        register(client, password="k7#pQ2x!" * 9)

        assert refusal(login(client, password="k7#pQ2x!" * 9 + "k")) == (401, "INVALID_CREDENTIALS")

    def test_a_deactivated_user_is_refused_like_an_unknown_one(self, client: FlaskClient) -> None:
        user_id = register(client).json["user"]["id"]
        deactivate(client, user_id)

        assert refusal(login(client)) == (401, "INVALID_CREDENTIALS")

    def test_the_time_of_the_last_sign_in_is_stored(self, client: FlaskClient) -> None:
        before = register(client).json["user"]["createdAt"]
        token = login(client).json["accessToken"]

        user = client.get(f"{AUTH}/me", headers=bearer(token)).json

        assert user["lastLoginAt"] >= before

    def test_while_all_hashing_threads_are_busy_a_sign_in_is_refused(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register(client)

        monkeypatch.setattr(
            passwords,
            "_hasher",
            FairExecutor("full", capacity=0, max_seconds=1, initializer=lambda: None),
        )

        answer = login(client)

        assert refusal(answer) == (503, "BUSY")
        assert answer.headers["Retry-After"] == "2"


class TestSpellingsOfAnEmail:
    """Registration stores one spelling of an email; equivalent ones sign in as well."""

    @pytest.mark.parametrize(
        "spelling",
        [
            "jos\u00e9@b\u00fccher.example",
            "jose\u0301@b\u00fccher.example",
            "JOS\u00c9@xn--bcher-kva.example",
        ],
    )
    def test_every_spelling_signs_in(self, client: FlaskClient, spelling: str) -> None:
        body = {"email": "jos\u00e9@xn--bcher-kva.example", "password": "a-long-enough-one"}
        assert client.post("/api/v1/auth/register", json=body | {"role": "USER"}).status_code == 201

        answer = client.post("/api/v1/auth/login", json=body | {"email": spelling})

        assert answer.status_code == 200

    def test_an_invalid_email_is_invalid_credentials(self, client: FlaskClient) -> None:
        answer = client.post("/api/v1/auth/login", json={"email": "nobody", "password": "x"})
        assert (answer.status_code, answer.json["error"]) == (401, "INVALID_CREDENTIALS")


class TestProfile:
    def test_the_profile_contains_no_secret(self, client: FlaskClient) -> None:
        token = register(client).json["accessToken"]

        user = client.get(f"{AUTH}/me", headers=bearer(token)).json

        assert list(user) == [
            "id",
            "email",
            "role",
            "firstName",
            "lastName",
            "isActive",
            "emailPublic",
            "lastLoginAt",
            "createdAt",
            "updatedAt",
            "phone",
            "emailVerifiedAt",
            "phoneVerifiedAt",
            "locale",
            "timeZone",
        ]
        assert user["emailPublic"] is False

    def test_fields_that_are_not_sent_stay_unchanged(self, client: FlaskClient) -> None:
        token = register(client, firstName="Alice", lastName="Jones").json["accessToken"]

        changed = client.patch(
            f"{AUTH}/me", json={"lastName": "Smith", "emailPublic": True}, headers=bearer(token)
        ).json

        assert (changed["firstName"], changed["lastName"]) == ("Alice", "Smith")
        assert changed["emailPublic"] is True
        assert client.get(f"{AUTH}/me", headers=bearer(token)).json == changed

    @pytest.mark.parametrize(
        "body",
        [
            {"email": "new@example.com"},
            {"role": "ADMIN"},
            {"isActive": True},
            {"emailPublic": "true"},
            {"emailPublic": 1},
            {"firstName": 5},
        ],
    )
    def test_invalid_changes_are_refused(self, client: FlaskClient, body: dict[str, Any]) -> None:
        user = factories.actor()

        answer = client.patch(f"{AUTH}/me", json=body, headers=user.headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestDeactivating:
    def deactivate(self, client: FlaskClient, user_id: UUID, by: factories.Actor) -> TestResponse:
        return client.post(
            f"/api/v1/admin/users/{user_id}/deactivate",
            json={"reason": "Chargeback"},
            headers=by.headers,
        )

    def test_the_tokens_of_the_user_stop_working_immediately(self, client: FlaskClient) -> None:
        user, admin = factories.actor(), factories.admin()

        answer = self.deactivate(client, user.id, admin)

        assert (answer.status_code, answer.json["isActive"]) == (200, False)
        assert refusal(client.get("/api/v1/wallet", headers=user.headers)) == (401, "UNAUTHORIZED")

    def test_the_deactivation_is_audited(self, client: FlaskClient) -> None:
        user, admin = factories.actor(), factories.admin()
        self.deactivate(client, user.id, admin)

        with db.transaction() as session:
            (record,) = session.scalars(select(AuditRecord).where(AuditRecord.target_id == user.id))
        assert (record.action, record.actor_id) == ("user.deactivate", admin.id)
        assert record.reason == "Chargeback"

    def test_after_activation_the_user_can_sign_in_but_old_tokens_stay_revoked(
        self, client: FlaskClient
    ) -> None:
        user, admin = factories.actor(), factories.admin()
        self.deactivate(client, user.id, admin)

        answer = client.post(
            f"/api/v1/admin/users/{user.id}/activate",
            json={"reason": "Settled"},
            headers=admin.headers,
        )

        assert (answer.status_code, answer.json["isActive"]) == (200, True)
        assert me(client, user.token) == 401
        assert login(client, user.email).status_code == 200

    @pytest.mark.parametrize("role", [Role.USER, Role.MERCHANT])
    def test_only_an_administrator_can_deactivate_a_user(
        self, client: FlaskClient, role: Role
    ) -> None:
        user = factories.actor()

        answer = self.deactivate(client, user.id, factories.actor(role))

        assert refusal(answer) == (403, "FORBIDDEN")
        assert answer.json["message"] == "Access denied. Required roles: ADMIN"
        assert me(client, user.token) == 200

    def test_an_unknown_user_is_not_found(self, client: FlaskClient) -> None:
        answer = self.deactivate(client, uuid4(), factories.admin())

        assert refusal(answer) == (404, "USER_NOT_FOUND")

    def test_a_reason_is_required(self, client: FlaskClient) -> None:
        answer = client.post(
            f"/api/v1/admin/users/{factories.actor().id}/deactivate",
            json={},
            headers=factories.admin().headers,
        )

        assert refusal(answer) == (400, "VALIDATION_ERROR")
