"""Sign-ins: strangers who guess at an account keep neither its owner nor others out."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.attempts.budgets import PASSWORDS
from app.auth import passwords
from app.auth.sign_in import devices, guard
from app.common import clock
from app.common.fair_executor import FairExecutor
from app.common.ratelimit import limiter
from tests.auth.helpers import AUTH, login, refresh, register
from tests.concurrency import all_at_once
from tests.factories import PASSWORD
from tests.responses import refusal

EMAIL = "alice@example.com"
WRONG = "correct-horse-2"


@pytest.fixture
def owner(rate_limited: Flask) -> FlaskClient:
    """A client that has registered the account, and keeps its cookies."""
    client = rate_limited.test_client()
    assert register(client).status_code == 201
    return client


@pytest.fixture
def attack(rate_limited: Flask) -> Callable[..., list[int]]:
    """Guesses from addresses in turn; returns the statuses."""

    def guess(times: int, *addresses: str) -> list[int]:
        return [
            from_address(rate_limited, addresses[number % len(addresses)], WRONG).status_code
            for number in range(times)
        ]

    return guess


def from_address(app: Flask, address: str, password: str = PASSWORD) -> TestResponse:
    """A sign-in without cookies from this address."""
    return app.test_client().post(
        f"{AUTH}/login",
        json={"email": EMAIL, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


class TestBudgets:
    def test_guesses_of_one_address_do_not_lock_the_owner_out(
        self, owner: FlaskClient, rate_limited: Flask, attack: Callable[..., list[int]]
    ) -> None:
        assert attack(12, "203.0.113.9") == [401] * 10 + [429] * 2
        for _ in range(30):
            limiter.reset()  # as after an hour
            attack(10, "203.0.113.9")

        assert login(owner).status_code == 200
        assert from_address(rate_limited, "198.51.100.7").status_code == 200

    def test_guesses_of_many_addresses_lock_out_only_unknown_devices(
        self,
        owner: FlaskClient,
        rate_limited: Flask,
        attack: Callable[..., list[int]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(guard, "PASSWORDS", replace(PASSWORDS, per_account=30))
        addresses = [f"203.0.113.{number}" for number in range(20)]
        assert attack(31, *addresses) == [401] * 30 + [429]

        assert from_address(rate_limited, "198.51.100.7").status_code == 429
        assert login(owner).status_code == 200

    def test_guesses_from_the_owners_address_do_not_lock_the_owner_out(
        self, owner: FlaskClient, attack: Callable[..., list[int]]
    ) -> None:
        attack(11, "127.0.0.1")

        assert login(owner).status_code == 200

    def test_a_known_device_can_guess_as_little_as_a_stranger(self, owner: FlaskClient) -> None:
        statuses = [login(owner, password=WRONG).status_code for _ in range(11)]

        assert statuses == [401] * 10 + [429]

    def test_addresses_of_one_ipv6_network_count_together(
        self, owner: FlaskClient, attack: Callable[..., list[int]]
    ) -> None:
        addresses = [f"2001:db8:0:1::{number:x}" for number in range(1, 12)]

        assert attack(11, *addresses)[-1] == 429
        assert attack(1, "2001:db8:0:2::1") == [401]

    def test_wrong_passwords_of_a_day_are_limited_without_redis(
        self, owner: FlaskClient, rate_limited: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guard, "PASSWORDS", replace(PASSWORDS, per_account_and_address=20))
        allowed = 20
        statuses = []
        for _ in range(allowed + 1):
            limiter.reset()  # as after a restart of Redis
            statuses.append(from_address(rate_limited, "203.0.113.9", WRONG).status_code)

        assert statuses == [401] * allowed + [429]
        limiter.reset()  # as after a restart of Redis
        assert from_address(rate_limited, "203.0.113.9").status_code == 429
        assert from_address(rate_limited, "198.51.100.7").status_code == 200


class TestDevices:
    def test_signing_in_and_refreshing_send_a_cookie_that_scripts_cannot_read(
        self, client: FlaskClient
    ) -> None:
        tokens = register(client).json
        answers = [login(client), refresh(client, tokens["refreshToken"])]

        for answer in answers:
            (cookie,) = answer.headers.getlist("Set-Cookie")
            assert cookie.startswith(devices.cookie_name(EMAIL))
            assert {"HttpOnly", "SameSite=Strict", f"Path={AUTH}"} <= set(cookie.split("; "))

    def test_a_device_keeps_its_id(self, client: FlaskClient) -> None:
        register(client)
        values = [cookie_of(login(client)).partition(".")[0] for _ in range(2)]

        assert values[0] == values[1]

    def test_a_refusal_sends_none(self, client: FlaskClient) -> None:
        register(client)

        assert "Set-Cookie" not in login(client, password=WRONG).headers

    def test_a_cookie_is_valid_for_its_account_only(self, client: FlaskClient) -> None:
        cookie = cookie_of(register(client))

        assert devices.read_cookie(EMAIL, cookie) is not None
        assert devices.read_cookie("bob@example.com", cookie) is None

    @pytest.mark.parametrize(
        "forged", ["", ".", "..", "a.b.c", "a.99999999999.é", "a.99999999999.c"]
    )
    def test_a_forged_cookie_is_that_of_a_stranger(self, client: FlaskClient, forged: str) -> None:
        register(client)
        client.set_cookie(devices.cookie_name(EMAIL), forged, path=AUTH)

        assert devices.read_cookie(EMAIL, forged) is None
        assert login(client).status_code == 200

    def test_a_cookie_expires(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        cookie = cookie_of(register(client))
        late = clock.now() + devices.TTL + timedelta(seconds=1)
        monkeypatch.setattr("app.auth.sign_in.devices.clock.now", lambda: late)

        assert devices.read_cookie(EMAIL, cookie) is None

    def test_a_cookie_does_not_replace_the_password(self, client: FlaskClient) -> None:
        register(client)

        assert refusal(login(client, password=WRONG)) == (401, "INVALID_CREDENTIALS")


def cookie_of(answer: TestResponse) -> str:
    (cookie,) = answer.headers.getlist("Set-Cookie")
    return cookie.partition(";")[0].partition("=")[2]


class TestQueue:
    """Sign-ins of one address beside those of others, without other limits."""

    @pytest.fixture(autouse=True)
    def _hashing_is_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        queue = FairExecutor("test", capacity=24, max_seconds=60, initializer=lambda: None)
        monkeypatch.setattr(passwords, "_hasher", queue)
        checkpw = passwords.bcrypt.checkpw

        def slow(password: bytes, known_hash: bytes) -> bool:
            time.sleep(0.01)
            return checkpw(password, known_hash)

        monkeypatch.setattr(passwords.bcrypt, "checkpw", slow)

    def test_600_sign_ins_of_one_address_stop_nobody_else(self, committing: Flask) -> None:
        known = committing.test_client()
        register(known)
        others = range(100, 600, 50)

        def sign_in(number: int) -> int:
            if number not in others:
                return from_address(committing, "203.0.113.9", WRONG).status_code
            if number % 100:
                return from_address(committing, f"198.51.100.{number // 50}").status_code
            return login(known).status_code

        statuses = list(all_at_once(sign_in, range(600), threads=64))

        assert [statuses[number] for number in others] == [200] * len(others)
        refused = statuses.count(503)
        assert statuses.count(401) + refused == 600 - len(others)
        assert refused > 300
