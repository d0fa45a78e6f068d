"""Sessions: refreshing, ending and listing them, over HTTP."""

import re
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.auth.models import LoginSession, RefreshToken
from app.common import clock, db
from tests import factories
from tests.auth.helpers import AUTH, JWT, bearer, login, me, refresh, register
from tests.clock import freeze_clock
from tests.factories import PASSWORD
from tests.responses import error_body, refusal


class TestRefreshing:
    def test_the_response_has_two_new_tokens(self, client: FlaskClient) -> None:
        first = register(client).json

        answer = refresh(client, first["refreshToken"])

        assert answer.status_code == 200
        assert re.fullmatch(rf'{{"accessToken":"{JWT}","refreshToken":"{JWT}"}}', answer.text)
        assert answer.json["refreshToken"] != first["refreshToken"]
        assert me(client, answer.json["accessToken"]) == 200

    def test_a_refreshed_token_can_be_refreshed_again(self, client: FlaskClient) -> None:
        token = register(client).json["refreshToken"]

        for _ in range(5):
            token = refresh(client, token).json["refreshToken"]

        assert refresh(client, token).status_code == 200

    def test_a_reused_token_revokes_the_whole_session(self, client: FlaskClient) -> None:
        first = register(client).json
        second = refresh(client, first["refreshToken"]).json

        reused = refresh(client, first["refreshToken"])

        assert refusal(reused) == (401, "INVALID_REFRESH_TOKEN")
        assert me(client, first["accessToken"]) == 401
        assert me(client, second["accessToken"]) == 401
        assert refusal(refresh(client, second["refreshToken"])) == (401, "INVALID_REFRESH_TOKEN")

    def test_a_reuse_is_audited_and_does_not_affect_other_sessions(
        self, client: FlaskClient
    ) -> None:
        first = register(client).json
        other = login(client).json
        refresh(client, first["refreshToken"])
        refresh(client, first["refreshToken"])

        assert me(client, other["accessToken"]) == 200
        with db.transaction() as session:
            (record,) = session.scalars(
                select(AuditRecord).where(AuditRecord.action == "session.revoke")
            )
            login_session = session.get(LoginSession, record.target_id)
        assert record.reason == "refresh token reused"
        assert login_session is not None
        assert login_session.revoked_because == "refresh token reused"

    def test_a_session_has_one_unused_token_at_any_time(self, client: FlaskClient) -> None:
        refresh(client, register(client).json["refreshToken"])

        with db.transaction() as session:
            used = session.scalars(select(RefreshToken.used_at)).all()

        assert [at is None for at in used].count(True) == 1
        assert len(used) == 2

    def test_a_deactivated_user_cannot_refresh(self, client: FlaskClient) -> None:
        first = register(client).json
        client.post(
            f"/api/v1/admin/users/{first['user']['id']}/deactivate",
            json={"reason": "fraud"},
            headers=factories.admin().headers,
        )

        assert refusal(refresh(client, first["refreshToken"])) == (401, "INVALID_REFRESH_TOKEN")

    def test_the_token_is_not_stored(self, client: FlaskClient) -> None:
        columns = {column.name for column in RefreshToken.__table__.columns}

        assert columns == {"id", "session_id", "created_at", "used_at"}

    @pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": 5}])
    def test_a_missing_token_is_a_validation_error(
        self, client: FlaskClient, body: dict[str, Any]
    ) -> None:
        answer = client.post(f"{AUTH}/refresh", json=body)

        assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestLifetime:
    """A session ends 30 days after the sign-in, whatever is refreshed."""

    def refresh_daily(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, *, days: int
    ) -> tuple[datetime, str]:
        """When the session began, and its last refresh token."""
        began, token = clock.now(), register(client).json["refreshToken"]
        for day in range(1, days + 1):
            freeze_clock(monkeypatch, began + timedelta(days=day))
            token = refresh(client, token).json["refreshToken"]
        return began, token

    def test_a_session_ends_although_it_is_refreshed_every_day(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        began, token = self.refresh_daily(client, monkeypatch, days=29)
        freeze_clock(monkeypatch, began + timedelta(days=29, hours=23))
        last = refresh(client, token).json
        freeze_clock(monkeypatch, began + timedelta(days=30, seconds=20))

        assert me(client, last["accessToken"]) == 401
        assert refusal(refresh(client, last["refreshToken"])) == (401, "INVALID_REFRESH_TOKEN")

    def test_no_token_outlives_its_session(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        began, token = self.refresh_daily(client, monkeypatch, days=29)
        claims = jwt.decode(token, options={"verify_signature": False})
        with db.transaction() as session:
            expires_at = session.scalars(select(LoginSession.expires_at)).one()

        assert abs(expires_at - began - timedelta(days=30)) < timedelta(seconds=10)
        assert claims["exp"] == int(expires_at.timestamp())

    def test_a_session_that_earlier_versions_extended_is_not_refreshed_after_30_days(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        began, token = self.refresh_daily(client, monkeypatch, days=29)
        with db.transaction() as session:
            session.execute(update(LoginSession).values(expires_at=began + timedelta(days=36)))
        freeze_clock(monkeypatch, began + timedelta(days=30, seconds=10))

        assert refusal(refresh(client, token)) == (401, "INVALID_REFRESH_TOKEN")


class TestSigningOut:
    def test_both_tokens_stop_working_immediately(self, client: FlaskClient) -> None:
        first = register(client).json

        answer = client.post(f"{AUTH}/logout", headers=bearer(first["accessToken"]))

        assert (answer.status_code, answer.data) == (204, b"")
        assert me(client, first["accessToken"]) == 401
        assert refusal(refresh(client, first["refreshToken"])) == (401, "INVALID_REFRESH_TOKEN")

    def test_other_sessions_remain(self, client: FlaskClient) -> None:
        first = register(client).json
        other = login(client).json

        client.post(f"{AUTH}/logout", headers=bearer(first["accessToken"]))

        assert me(client, other["accessToken"]) == 200


class TestSessions:
    def test_sessions_are_listed_newest_first(self, client: FlaskClient) -> None:
        register(client)
        token = client.post(
            f"{AUTH}/login",
            json={"email": "alice@example.com", "password": PASSWORD},
            headers={"User-Agent": "Phone"},
        ).json["accessToken"]

        rows = client.get(f"{AUTH}/sessions", headers=bearer(token)).json

        assert list(rows[0]) == [
            "id",
            "userAgent",
            "address",
            "createdAt",
            "lastUsedAt",
            "expiresAt",
            "current",
        ]
        assert [row["current"] for row in rows] == [True, False]
        assert rows[0]["userAgent"] == "Phone"
        assert rows[0]["address"] == "127.0.0.1"

    def test_a_session_of_the_caller_can_be_revoked(self, client: FlaskClient) -> None:
        other = register(client).json
        token = login(client).json["accessToken"]
        rows = client.get(f"{AUTH}/sessions", headers=bearer(token)).json
        (elsewhere,) = [row["id"] for row in rows if not row["current"]]

        answer = client.delete(f"{AUTH}/sessions/{elsewhere}", headers=bearer(token))

        assert answer.status_code == 204
        assert me(client, other["accessToken"]) == 401
        assert me(client, token) == 200
        again = client.delete(f"{AUTH}/sessions/{elsewhere}", headers=bearer(token))
        assert refusal(again) == (404, "SESSION_NOT_FOUND")

    def test_a_session_of_another_user_is_not_found(self, client: FlaskClient) -> None:
        mine, theirs = factories.actor(), factories.actor()

        answer = client.delete(f"{AUTH}/sessions/{theirs.session_id}", headers=mine.headers)

        assert refusal(answer) == (404, "SESSION_NOT_FOUND")
        assert me(client, theirs.token) == 200

    @pytest.mark.parametrize("session_id", ["01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11", "abc", "0"])
    def test_an_unknown_session_is_not_found(self, client: FlaskClient, session_id: str) -> None:
        answer = client.delete(f"{AUTH}/sessions/{session_id}", headers=factories.actor().headers)

        assert answer.status_code == error_body(answer)["statusCode"] == 404


class TestChangingThePassword:
    def change(self, client: FlaskClient, token: str, current: str, new: str) -> TestResponse:
        return client.post(
            f"{AUTH}/password",
            json={"currentPassword": current, "newPassword": new},
            headers=bearer(token),
        )

    def test_the_new_password_works_and_the_old_one_does_not(self, client: FlaskClient) -> None:
        token = register(client).json["accessToken"]

        answer = self.change(client, token, PASSWORD, "correct-horse-2")

        assert (answer.status_code, answer.data) == (204, b"")
        assert login(client).status_code == 401
        assert login(client, password="correct-horse-2").status_code == 200

    def test_other_sessions_are_revoked_and_the_current_one_remains(
        self, client: FlaskClient
    ) -> None:
        other = register(client).json
        mine = login(client).json

        self.change(client, mine["accessToken"], PASSWORD, "correct-horse-2")

        assert me(client, mine["accessToken"]) == 200
        assert refresh(client, mine["refreshToken"]).status_code == 200
        assert me(client, other["accessToken"]) == 401
        assert refresh(client, other["refreshToken"]).status_code == 401

    def test_the_change_is_audited_without_the_password(self, client: FlaskClient) -> None:
        token = register(client).json["accessToken"]
        self.change(client, token, PASSWORD, "correct-horse-2")

        with db.transaction() as session:
            (record,) = session.scalars(
                select(AuditRecord).where(AuditRecord.action == "user.change-password")
            )
        assert record.details == {}

    def test_a_wrong_current_password_is_refused(self, client: FlaskClient) -> None:
        token = register(client).json["accessToken"]

        answer = self.change(client, token, "correct-horse-2", "correct-horse-3")

        assert refusal(answer) == (401, "INVALID_CREDENTIALS")
        assert login(client).status_code == 200

    @pytest.mark.parametrize("new", ["short", "password", "x" * 73])
    def test_an_unacceptable_new_password_is_refused(self, client: FlaskClient, new: str) -> None:
        token = register(client).json["accessToken"]

        answer = self.change(client, token, PASSWORD, new)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == ["newPassword"]
