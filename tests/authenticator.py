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


class Watch:
    """A clock that is advanced manually."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def wait(self, seconds: int) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Authenticator:
    """The authenticator app of a user, with its secret and the recovery codes."""

    secret: str
    watch: Watch
    recovery_codes: tuple[str, ...] = ()

    def code(self, *, seconds: int = 0) -> str:
        """The code that the app shows. seconds: how far its clock is ahead of ours."""
        return pyotp.TOTP(self.secret).at(self.watch.now() + timedelta(seconds=seconds))

    def wrong_code(self) -> str:
        """A code that is wrong now and in all accepted steps before and after."""
        right = {self.code(seconds=STEP * steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(8)) if code not in right)


def begin(client: FlaskClient, user: Actor, password: str = PASSWORD) -> TestResponse:
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


def begun(client: FlaskClient, user: Actor, watch: Watch) -> Authenticator:
    """Begin the setup of two-factor authentication. Returns the app, without recovery codes."""
    return Authenticator(begin(client, user).json["secret"], watch)


def enrolled(client: FlaskClient, user: Actor, watch: Watch) -> Authenticator:
    """Enable two-factor authentication. Returns the app, which shows an unused code."""
    app = begun(client, user, watch)
    answer = confirm(client, user, app.code())
    assert answer.status_code == 200, answer.text
    watch.wait(STEP)
    return Authenticator(app.secret, watch, tuple(answer.json["recoveryCodes"]))
