"""Requests that verify addresses and numbers, and what was sent for them."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.auth.handles import phones
from app.auth.handles.models import HandleVerification, Purpose
from app.auth.models import User
from app.common import http
from app.common.db import transaction
from app.notifications.sender import send_all
from tests.auth.helpers import AUTH
from tests.factories import PASSWORD, Actor
from tests.mail_catcher import MailCatcher, text_of
from tests.responses import refusal

INVALID = (400, "VERIFICATION_INVALID")
WRONG = (400, "PHONE_CODE_INVALID")
OK = (204, None)
_LINK = re.compile(r"http://localhost:\d+/email/verify/([\w-]{48})")


def outcome(answer: TestResponse) -> tuple[int, str | None]:
    return refusal(answer) if answer.status_code >= 400 else (answer.status_code, None)


def require_verified(configure: Callable[..., None]) -> None:
    """As in production."""
    configure(http.settings, replace(http.settings(), require_verified_handles=True))


def subjects_to(catcher: MailCatcher, address: str) -> list[str]:
    """The subjects of the mails that an address has received, once all are sent."""
    send_all(http.settings())
    return [str(mail["Subject"]) for mail in catcher.mails_to(address)]


def token_to(catcher: MailCatcher, address: str) -> str:
    """The token of the link in the last mail to an address."""
    send_all(http.settings())
    (token,) = _LINK.findall(text_of(catcher.mails_to(address)[-1]))
    return str(token)


def confirm(client: FlaskClient, token: str) -> tuple[int, str | None]:
    return outcome(
        client.post(f"{AUTH}/email/verification/confirm", json={"verificationToken": token})
    )


def change_email(client: FlaskClient, user: Actor, address: str, **fields: Any) -> TestResponse:
    body = {"newEmail": address, "password": PASSWORD} | fields
    return client.post(f"{AUTH}/email", json=body, headers=user.headers)


def profile(client: FlaskClient, headers: dict[str, str]) -> dict[str, Any]:
    answer = client.get(f"{AUTH}/me", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def request_code(client: FlaskClient, user: Actor, phone: str) -> TestResponse:
    return client.post(f"{AUTH}/phone/verification", json={"phone": phone}, headers=user.headers)


def code_for(user: Actor) -> str:
    """The code of the user's last text message."""
    with transaction() as session:
        found = session.scalars(
            select(HandleVerification)
            .where(
                HandleVerification.user_id == user.id,
                HandleVerification.purpose == Purpose.PHONE,
            )
            .order_by(HandleVerification.id.desc())
        ).first()
        assert found is not None
        return phones.code_of(found.id)


def confirm_phone(client: FlaskClient, user: Actor, code: str) -> TestResponse:
    return client.post(
        f"{AUTH}/phone/verification/confirm", json={"phoneCode": code}, headers=user.headers
    )


def stored(user_id: Any) -> User:
    with transaction() as session:
        user = session.get(User, user_id)
        assert user is not None
        session.expunge(user)
        return user
