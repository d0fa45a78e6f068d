"""Rate limits: strict where guessing pays, generous elsewhere, never a reason to fail."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.common.ratelimit import limiter
from tests import factories
from tests.answers import error_body, refusal

LOGIN = "/api/v1/auth/login"


@pytest.fixture
def limited(rate_limited: Flask) -> FlaskClient:
    return rate_limited.test_client()


@pytest.fixture
def without_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The counters' Redis away, for this process."""

    def away(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError("away")

    for name in ("hit", "test", "get_window_stats"):
        monkeypatch.setattr(limiter._limiter, name, away)
    monkeypatch.setattr(limiter._storage, "check", lambda: False)
    yield
    limiter._storage_dead = False
    limiter._fallback_storage.reset()


def login(client: FlaskClient, email: str, **options: Any) -> TestResponse:
    return client.post(LOGIN, json={"email": email, "password": "wrong-password"}, **options)


def statuses(client: FlaskClient, email: str, times: int) -> list[int]:
    return [login(client, email).status_code for _ in range(times)]


class TestSigningIn:
    def test_the_eleventh_try_of_a_minute_is_refused_in_our_body(
        self, limited: FlaskClient
    ) -> None:
        assert statuses(limited, "alice@example.com", 10) == [401] * 10

        answer = login(limited, "alice@example.com")

        assert refusal(answer) == (429, "RATE_LIMITED")
        assert 1 <= int(answer.headers["Retry-After"]) <= 61

    def test_the_right_password_does_not_help_then(self, limited: FlaskClient) -> None:
        user = factories.actor()
        statuses(limited, user.email, 10)

        answer = limited.post(LOGIN, json={"email": user.email, "password": factories.PASSWORD})

        assert refusal(answer) == (429, "RATE_LIMITED")

    def test_other_accounts_are_not_affected(self, limited: FlaskClient) -> None:
        statuses(limited, "alice@example.com", 11)

        assert login(limited, "bob@example.com").status_code == 401

    @pytest.mark.parametrize(
        "spelling", ["ALICE@example.com", " alice@example.com", "alice@EXAMPLE.com\t"]
    )
    def test_another_spelling_is_the_same_account(
        self, limited: FlaskClient, spelling: str
    ) -> None:
        statuses(limited, "alice@example.com", 10)

        assert refusal(login(limited, spelling)) == (429, "RATE_LIMITED")

    def test_another_address_is_the_same_account(self, limited: FlaskClient) -> None:
        statuses(limited, "alice@example.com", 10)

        answer = login(
            limited, "alice@example.com", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
        )

        assert refusal(answer) == (429, "RATE_LIMITED")

    def test_an_address_that_tries_many_accounts_is_refused(self, limited: FlaskClient) -> None:
        answers = [login(limited, f"user-{number}@example.com") for number in range(301)]

        assert [answer.status_code for answer in answers] == [401] * 300 + [429]
        elsewhere = login(
            limited, "bob@example.com", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
        )
        assert elsewhere.status_code == 401

    def test_a_forwarded_address_of_a_stranger_is_not_believed(self, limited: FlaskClient) -> None:
        for number in range(300):
            login(limited, f"user-{number}@example.com")

        answer = login(limited, "bob@example.com", headers={"X-Forwarded-For": "203.0.113.9"})

        assert answer.status_code == 429


class TestElsewhere:
    def test_registering_one_account_is_limited_too(self, limited: FlaskClient) -> None:
        body = {"email": "a@example.com", "password": "password", "role": "USER"}

        answers = [limited.post("/api/v1/auth/register", json=body) for _ in range(11)]

        assert [answer.status_code for answer in answers] == [400] * 10 + [429]

    def test_guessing_the_current_password_is_limited(self, limited: FlaskClient) -> None:
        body = {"currentPassword": "wrong-password", "newPassword": "correct-horse-2"}
        mine, theirs = factories.actor(), factories.actor()

        answers = [
            limited.post("/api/v1/auth/password", json=body, headers=mine.headers)
            for _ in range(11)
        ]
        other = limited.post("/api/v1/auth/password", json=body, headers=theirs.headers)

        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert other.status_code == 401

    def test_shopping_is_not(self, limited: FlaskClient) -> None:
        assert {limited.get("/api/v1/products").status_code for _ in range(300)} == {200}


class TestWithoutRedis:
    def test_each_process_counts_for_itself(
        self, limited: FlaskClient, without_redis: None
    ) -> None:
        assert statuses(limited, "alice@example.com", 10) == [401] * 10

        answer = login(limited, "alice@example.com")

        assert refusal(answer) == (429, "RATE_LIMITED")
        assert 1 <= int(answer.headers["Retry-After"]) <= 61
        assert login(limited, "bob@example.com").status_code == 401

    def test_nothing_else_fails(self, limited: FlaskClient, without_redis: None) -> None:
        assert limited.get("/api/v1/products").status_code == 200


def test_switched_off_by_setting_nothing_is_limited(client: FlaskClient) -> None:
    assert statuses(client, "alice@example.com", 12) == [401] * 12


def test_a_body_that_names_nobody_is_refused_for_itself(limited: FlaskClient) -> None:
    for body in (b"[]", b'{"email":5}', b"{", b'{"email":"\\ud800"}', b""):
        answer = limited.post(LOGIN, data=body, content_type="application/json")
        assert error_body(answer)["statusCode"] == 400


def test_a_body_that_two_parsers_read_differently_counts_for_whom_it_names(
    rate_limited: Flask,
) -> None:
    client = rate_limited.test_client()

    def guess(odd: str) -> int:
        body = f'{{{odd}"email":"victim@example.com","password":"not-the-one-1"}}'
        return client.post(
            "/api/v1/auth/login", data=body, content_type="application/json"
        ).status_code

    honest = [guess("") for _ in range(10)]

    assert (honest, guess('"email":1e400,')) == ([401] * 10, 429)
