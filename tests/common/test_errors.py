"""Errors, and the one body in which all of them are sent."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import CapturingLogger

from app.auth.http import access_token
from app.common import db
from app.common.database import Database
from app.common.errors import AppError
from app.common.http import error_example
from app.common.ids import new_id
from tests import factories
from tests.responses import error_body, refusal

DEPOSIT = "/api/v1/wallet/deposit"
REGISTER = "/api/v1/auth/register"


@pytest.fixture
def broken_view(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a view with a bug."""

    def fail() -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setitem(app.view_functions, "health.live", fail)
    return "/health/live"


@pytest.fixture
def errors_logged(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    logger = CapturingLogger()
    monkeypatch.setattr("app.common.error_handlers.log", logger)
    return logger


class TestErrorBody:
    def test_the_body_has_the_documented_fields(self, client: FlaskClient) -> None:
        answer = client.get("/api/v1/wallet", headers={"X-Request-Id": "my-request-1"})

        assert re.fullmatch(
            r'\{"statusCode":401,"error":"UNAUTHORIZED","message":"Unauthorized","details":\{\},'
            r'"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","path":"/api/v1/wallet",'
            r'"method":"GET","requestId":"my-request-1"\}',
            answer.text,
        )

    def test_validation_names_each_field_with_its_messages(self, client: FlaskClient) -> None:
        answer = client.post(REGISTER, json={"email": "x", "password": 5, "nick": "a"})

        body = error_body(answer)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert sorted(body["details"]) == ["email", "nick", "password", "role"]
        for messages in body["details"].values():
            assert messages
            assert all(isinstance(message, str) for message in messages)


class TestRoutes:
    @pytest.mark.parametrize(
        "path",
        ["/api", "/api/v1", "/api/v2/products", "/api/v1/nothing", "/favicon.ico", "/é"],
    )
    def test_an_unknown_path_is_not_found(self, client: FlaskClient, path: str) -> None:
        answer = client.get(path)

        assert refusal(answer) == (404, "NOT_FOUND")
        assert answer.json["message"] == "No such endpoint"

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("DELETE", "/api/v1/wallet", {"GET", "HEAD", "OPTIONS"}),
            ("GET", "/api/v1/wallet/deposit", {"POST", "OPTIONS"}),
            ("PUT", "/api/v1/products", {"GET", "POST", "HEAD", "OPTIONS"}),
            ("PATCH", "/api/v1/auth/login", {"POST", "OPTIONS"}),
            ("POST", "/health/live", {"GET", "HEAD", "OPTIONS"}),
        ],
    )
    def test_a_wrong_method_is_refused_with_the_allowed_ones(
        self, client: FlaskClient, method: str, path: str, allowed: set[str]
    ) -> None:
        answer = client.open(path, method=method)

        assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
        assert set(answer.headers["Allow"].split(", ")) == allowed

    def test_a_trailing_slash_is_ignored(self, client: FlaskClient) -> None:
        assert client.get("/api/v1/products/").status_code == 200


class TestInternalErrors:
    def test_the_response_contains_no_internals(
        self, client: FlaskClient, broken_view: str, errors_logged: CapturingLogger
    ) -> None:
        answer = client.get(broken_view)

        assert refusal(answer) == (500, "INTERNAL_ERROR")
        assert answer.json["message"] == "An internal error occurred."
        assert answer.json["details"] == {}
        for secret in ("hunter2", "RuntimeError", "Traceback", ".py"):
            assert secret not in answer.text + str(answer.headers)

    def test_an_internal_error_is_logged_with_its_cause(
        self, client: FlaskClient, broken_view: str, errors_logged: CapturingLogger
    ) -> None:
        client.get(broken_view)

        (call,) = errors_logged.calls
        assert call.args == ("request_failed",)
        assert call.kwargs["error"] == "INTERNAL_ERROR"
        assert isinstance(call.kwargs["exc_info"], RuntimeError)

    def test_client_errors_are_not_logged_as_errors(
        self, client: FlaskClient, errors_logged: CapturingLogger
    ) -> None:
        client.get("/nothing")
        client.post(REGISTER, json={})

        assert errors_logged.calls == []

    def test_an_unexpected_constraint_violation_is_an_internal_error(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        errors_logged: CapturingLogger,
    ) -> None:
        monkeypatch.setattr("app.wallets.service.create_wallet", lambda *_, **__: None)
        monkeypatch.setattr("app.auth.service.fold_email", lambda _: None)

        answer = client.post(
            REGISTER,
            json={"email": "a@example.com", "password": factories.PASSWORD, "role": "USER"},
        )

        assert refusal(answer) == (500, "INTERNAL_ERROR")
        assert "email_key" not in answer.text
        (call,) = errors_logged.calls
        assert "[SQL parameters hidden" in str(call.kwargs["exc_info"])


@pytest.fixture
def restored_database(app: Flask) -> Iterator[Database]:
    before = db.current()
    yield before
    db.configure(before)


class TestWithoutDatabase:
    @pytest.fixture
    def unreachable(self, restored_database: Database) -> Iterator[None]:
        nowhere = db.configure(Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
        yield
        nowhere.dispose()

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/api/v1/wallet"), ("GET", "/api/v1/products"), ("GET", "/api/v1/orders")],
    )
    def test_reading_is_unavailable(
        self, client: FlaskClient, unreachable: None, method: str, path: str
    ) -> None:
        actor_headers = {"Authorization": f"Bearer {_token(client)}"}

        answer = client.open(path, method=method, headers=actor_headers)

        assert refusal(answer) == (503, "BUSY")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "127.0.0.1" not in answer.text

    def test_moving_money_is_unavailable_and_nothing_was_changed(
        self, client: FlaskClient, unreachable: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(db, "_PAUSE", (0, 0))

        answer = client.post(
            DEPOSIT,
            json={"amount": "1.00"},
            headers={"Authorization": f"Bearer {_token(client)}", "Idempotency-Key": "k-1"},
        )

        assert refusal(answer) == (503, "BUSY")
        assert "nothing was changed" in answer.json["message"]
        assert answer.headers["Retry-After"] == "1"

    def test_signing_in_is_unavailable(self, client: FlaskClient, unreachable: None) -> None:
        answer = client.post(
            "/api/v1/auth/login", json={"email": "a@example.com", "password": "x" * 10}
        )

        assert refusal(answer) == (503, "BUSY")

    def test_errors_that_need_no_database_stay_the_same(
        self, client: FlaskClient, unreachable: None
    ) -> None:
        assert refusal(client.get("/nothing"))[0] == 404
        assert refusal(client.get("/api/v1/wallet"))[0] == 401
        assert refusal(client.post(REGISTER, json={}))[0] == 400
        assert client.get("/health/live").status_code == 200


def _token(client: FlaskClient) -> str:
    return access_token(user_id=new_id(), session_id=new_id(), role="USER", email="a@example.com")


class TestExhaustedPool:
    def test_requests_are_unavailable(
        self, client: FlaskClient, restored_database: Database, settings: Any
    ) -> None:
        small = db.configure(Database(settings.database_url, pool_size=1))
        engines = (small.engine, small._serializable_engine)
        for engine in engines:
            engine.pool._timeout = 0.02  # type: ignore[attr-defined]
        try:
            with engines[0].connect(), engines[1].connect():
                reading = client.get("/api/v1/products?q=anything")
                moving = client.post(
                    DEPOSIT,
                    json={"amount": "1.00"},
                    headers={"Authorization": f"Bearer {_token(client)}"},
                )
            recovered = client.get("/api/v1/products?q=anything")
        finally:
            small.dispose()

        for answer in (reading, moving):
            assert refusal(answer) == (503, "BUSY")
            assert answer.headers["Retry-After"] == "1"
        assert recovered.status_code == 200


def every_error(kind: type[AppError] = AppError) -> Iterator[type[AppError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("app."):
            yield child
            yield from every_error(child)


@pytest.mark.parametrize(
    "kind", sorted(set(every_error()), key=str), ids=lambda kind: kind.__name__
)
def test_the_example_of_an_error_is_created_by_its_constructor(kind: type[AppError]) -> None:
    """The examples in the OpenAPI document have the same texts as real errors."""
    shown = error_example(kind)
    assert (shown["error"], shown["statusCode"]) == (kind.code, kind.status)
    assert shown["message"] == kind.example().text
    assert not re.search(r"\d|…", kind.message), "the constructor fills in values"
