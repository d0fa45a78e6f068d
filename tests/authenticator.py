"""An authenticator app, and the clock that it shares with the application."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import PASSWORD, Actor

TWO_FACTOR = "/api/v1/auth/two-factor"

STEP = 30


class ManualClock:
    """A clock that is advanced manually."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: int) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Authenticator:
    """The authenticator app of a user, with its secret and the recovery codes."""

    secret: str
    clock: ManualClock
    recovery_codes: tuple[str, ...] = ()

    def code(self, *, seconds: int = 0) -> str:
        """The code that the app shows. seconds: how far its clock is ahead of ours."""
        return pyotp.TOTP(self.secret).at(self.clock.now() + timedelta(seconds=seconds))

    def wrong_code(self) -> str:
        """A code that is wrong now and in all accepted steps before and after."""
        right = {self.code(seconds=STEP * steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(8)) if code not in right)


def request_setup(client: FlaskClient, user: Actor, password: str = PASSWORD) -> TestResponse:
    return client.post(TWO_FACTOR, json={"password": password}, headers=user.headers)


def confirm(client: FlaskClient, user: Actor, code: str) -> TestResponse:
    return client.post(f"{TWO_FACTOR}/confirm", json={"code": code}, headers=user.headers)


def disable(client: FlaskClient, user: Actor, code: str, password: str = PASSWORD) -> TestResponse:
    body = {"password": password, "code": code}
    return client.delete(TWO_FACTOR, json=body, headers=user.headers)


def renew_recovery_codes(client: FlaskClient, user: Actor, code: str) -> TestResponse:
    return client.post(f"{TWO_FACTOR}/recovery-codes", json={"code": code}, headers=user.headers)


def status(client: FlaskClient, user: Actor) -> dict[str, Any]:
    found: dict[str, Any] = client.get(TWO_FACTOR, headers=user.headers).json
    return found


def begin_setup(client: FlaskClient, user: Actor, clock: ManualClock) -> Authenticator:
    """Begin the setup of two-factor authentication. Returns the app, without recovery codes."""
    return Authenticator(request_setup(client, user).json["secret"], clock)


def enable_two_factor(client: FlaskClient, user: Actor, clock: ManualClock) -> Authenticator:
    """Enable two-factor authentication. Returns the app, which shows an unused code."""
    app = begin_setup(client, user, clock)
    answer = confirm(client, user, app.code())
    assert answer.status_code == 200, answer.text
    clock.advance(STEP)
    return Authenticator(app.secret, clock, tuple(answer.json["recoveryCodes"]))
