"""An authenticator app, and the watch by which it and we go."""

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
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def wait(self, seconds: int) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Authenticator:
    """What a user keeps: the app with its secret, and the recovery codes on paper."""

    secret: str
    watch: Watch
    recovery_codes: tuple[str, ...] = ()

    def code(self, *, seconds: int = 0) -> str:
        """What the app shows. seconds: by how much its clock is ahead of ours."""
        return pyotp.TOTP(self.secret).at(self.watch.now() + timedelta(seconds=seconds))

    def wrong_code(self) -> str:
        """Six digits that are wrong now, and were a minute ago, and will be."""
        right = {self.code(seconds=STEP * steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(8)) if code not in right)


def begin(client: FlaskClient, user: Actor, password: str = PASSWORD) -> TestResponse:
    return client.post(TWO_FACTOR, json={"password": password}, headers=user.headers)


def confirm(client: FlaskClient, user: Actor, code: str) -> TestResponse:
    return client.post(f"{TWO_FACTOR}/confirm", json={"code": code}, headers=user.headers)


def disable(client: FlaskClient, user: Actor, code: str, password: str = PASSWORD) -> TestResponse:
    body = {"password": password, "code": code}
    return client.delete(TWO_FACTOR, json=body, headers=user.headers)


def renew(client: FlaskClient, user: Actor, code: str) -> TestResponse:
    return client.post(f"{TWO_FACTOR}/recovery-codes", json={"code": code}, headers=user.headers)


def status(client: FlaskClient, user: Actor) -> dict[str, Any]:
    found: dict[str, Any] = client.get(TWO_FACTOR, headers=user.headers).json
    return found


def begun(client: FlaskClient, user: Actor, watch: Watch) -> Authenticator:
    """The app of somebody whose second factor is pending."""
    return Authenticator(begin(client, user).json["secret"], watch)


def enrolled(client: FlaskClient, user: Actor, watch: Watch) -> Authenticator:
    """The app of somebody whose second factor is on, showing a code that was not used yet."""
    app = begun(client, user, watch)
    answer = confirm(client, user, app.code())
    assert answer.status_code == 200, answer.text
    watch.wait(STEP)
    return Authenticator(app.secret, watch, tuple(answer.json["recoveryCodes"]))
