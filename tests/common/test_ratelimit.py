"""Rate limits: strict where credentials can be guessed, generous elsewhere, and fail-open."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.common import redis_client
from app.common.ids import new_id
from app.common.ratelimit import limiter
from tests import factories
from tests.responses import error_body, refusal
from tests.test_openapi import operations

LOGIN = "/api/v1/auth/login"


@pytest.fixture
def limited(rate_limited: Flask) -> FlaskClient:
    return rate_limited.test_client()


@pytest.fixture
def without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Redis unreachable for the rate limiter of this process."""
    nowhere = redis_client.connect("redis://127.0.0.1:1/0")
    monkeypatch.setattr(limiter._storage, "storage", nowhere)
    for script in ("lua_moving_window", "_hit"):
        monkeypatch.setattr(getattr(limiter._storage, script), "registered_client", nowhere)


def policies_of(answer: TestResponse) -> dict[str, dict[str, int]]:
    return _parsed(answer.headers.get("RateLimit-Policy", ""))


def states_of(answer: TestResponse) -> dict[str, dict[str, int]]:
    return _parsed(answer.headers.get("RateLimit", ""))


def _parsed(header: str) -> dict[str, dict[str, int]]:
    """Items of a list of strings with whole numbers as parameters (RFC 9651)."""
    found = {}
    for item in filter(None, header.split(", ")):
        name, *parameters = item.split(";")
        assert re.fullmatch(r'"[^"]+"', name)
        assert name[1:-1] not in found
        pairs = (parameter.split("=") for parameter in parameters)
        found[name[1:-1]] = {key: int(value) for key, value in pairs}
    return found


def login(client: FlaskClient, email: str, **options: Any) -> TestResponse:
    return client.post(LOGIN, json={"email": email, "password": "wrong-password"}, **options)


def statuses(client: FlaskClient, email: str, times: int) -> list[int]:
    return [login(client, email).status_code for _ in range(times)]


class TestSigningIn:
    def test_the_eleventh_attempt_of_a_minute_is_refused(self, limited: FlaskClient) -> None:
        assert statuses(limited, "alice@example.com", 10) == [401] * 10

        answer = login(limited, "alice@example.com")

        assert refusal(answer) == (429, "RATE_LIMITED")
        assert 1 <= int(answer.headers["Retry-After"]) <= 61

    def test_above_the_limit_the_right_password_is_refused_too(self, limited: FlaskClient) -> None:
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
    def test_another_spelling_counts_for_the_same_account(
        self, limited: FlaskClient, spelling: str
    ) -> None:
        statuses(limited, "alice@example.com", 10)

        assert refusal(login(limited, spelling)) == (429, "RATE_LIMITED")

    def test_an_address_that_tries_many_accounts_is_refused(self, limited: FlaskClient) -> None:
        answers = [login(limited, f"user-{number}@example.com") for number in range(301)]

        assert [answer.status_code for answer in answers] == [401] * 300 + [429]
        # What an untrusted client says of its address is ignored.
        forwarded = login(limited, "bob@example.com", headers={"X-Forwarded-For": "203.0.113.9"})
        assert forwarded.status_code == 429
        elsewhere = login(
            limited, "bob@example.com", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
        )
        assert elsewhere.status_code == 401


class TestElsewhere:
    def test_registrations_of_one_email_are_limited(self, limited: FlaskClient) -> None:
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

    def test_listing_products_is_not_limited_per_account(self, limited: FlaskClient) -> None:
        assert {limited.get("/api/v1/products").status_code for _ in range(300)} == {200}


class TestHeaders:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""

    def test_every_operation_tells_its_limits(self, limited: FlaskClient) -> None:
        document = limited.get("/api/openapi.json").json
        for name, operation in operations(document):
            method, path = name.split()
            answer = limited.open(re.sub(r"{\w+}", str(new_id()), path), method=method)
            assert answer.status_code != 404 or "error" in error_body(answer), name
            policies, states = policies_of(answer), states_of(answer)
            if not policies:  # refused before it was counted
                # Without a converter that matches, there is no such path.
                assert answer.status_code in (400, 401, 404, 415), name
            assert policies.keys() == states.keys(), name
            for key, state in states.items():
                assert 0 <= state["r"] < policies[key]["q"], name
                assert 0 < state["t"] <= policies[key]["w"], name
            for response in operation["responses"].values():
                assert response["headers"].keys() >= {"RateLimit", "RateLimit-Policy"}, name

    def test_they_count_down_to_the_refusal(self, limited: FlaskClient) -> None:
        answers = [login(limited, "alice@example.com") for _ in range(11)]

        left = [states_of(answer)["10-in-60s"]["r"] for answer in answers]
        assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
        wait = states_of(answers[-1])["10-in-60s"]["t"]
        assert abs(wait - int(answers[-1].headers["Retry-After"])) <= 1

    def test_a_budget_of_attempts_is_one_of_them(self, limited: FlaskClient) -> None:
        first, second = (login(limited, "alice@example.com") for _ in range(2))

        assert policies_of(first)["600-in-86400s"] == {"q": 600, "w": 86400}
        assert states_of(first)["600-in-86400s"]["r"] == 599
        assert states_of(second)["600-in-86400s"]["r"] == 598

    def test_without_redis_they_are_of_this_process(
        self, limited: FlaskClient, without_redis: None
    ) -> None:
        left = [states_of(login(limited, "bob@example.com"))["10-in-60s"]["r"] for _ in range(3)]

        assert left == [9, 8, 7]

    def test_an_answer_that_counts_towards_nothing_has_none(self, client: FlaskClient) -> None:
        assert "RateLimit" not in client.get("/api/v1/products").headers


class TestWithoutRedis:
    def test_without_redis_each_process_counts_for_itself(
        self, limited: FlaskClient, without_redis: None
    ) -> None:
        assert statuses(limited, "alice@example.com", 10) == [401] * 10

        answer = login(limited, "alice@example.com")

        assert refusal(answer) == (429, "RATE_LIMITED")
        assert 1 <= int(answer.headers["Retry-After"]) <= 61
        assert login(limited, "bob@example.com").status_code == 401

    def test_without_redis_other_requests_succeed(
        self, limited: FlaskClient, without_redis: None
    ) -> None:
        assert limited.get("/api/v1/products").status_code == 200


def test_rate_limits_can_be_disabled(client: FlaskClient) -> None:
    assert statuses(client, "alice@example.com", 12) == [401] * 12


def test_a_body_without_an_account_is_a_bad_request(limited: FlaskClient) -> None:
    for body in (b"[]", b'{"email":5}', b"{", b'{"email":"\\ud800"}', b""):
        answer = limited.post(LOGIN, data=body, content_type="application/json")
        assert error_body(answer)["statusCode"] == 400


def test_a_body_that_two_parsers_read_differently_is_refused_and_counts(
    rate_limited: Flask,
) -> None:
    client = rate_limited.test_client()

    def guess(extra: str) -> int:
        body = f'{{{extra}"email":"victim@example.com","password":"not-the-one-1"}}'
        return client.post(
            "/api/v1/auth/login", data=body, content_type="application/json"
        ).status_code

    refused = [guess('"email":1e400,') for _ in range(2)]
    plain = [guess("") for _ in range(11)]

    assert (refused, plain) == ([400] * 2, [401] * 10 + [429])
