"""Requests to the sign-in endpoints, and the expected responses."""

import json
import re
from collections.abc import Sequence
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.factories import PASSWORD
from tests.responses import UUID_TEXT, refusal

AUTH = "/api/v1/auth"

JWT = r"[\w-]+\.[\w-]+\.[\w-]+"


def register(client: FlaskClient, **fields: Any) -> TestResponse:
    body = {"email": "alice@example.com", "password": PASSWORD, "role": "USER"} | fields
    return client.post(f"{AUTH}/register", json=body)


def login(
    client: FlaskClient, email: str = "alice@example.com", password: str = PASSWORD
) -> TestResponse:
    return client.post(f"{AUTH}/login", json={"email": email, "password": password})


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post(f"{AUTH}/refresh", json={"refreshToken": token})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed_in(email: str | None, *, first_name: str | None = None) -> re.Pattern[str]:
    """The exact body of the response to a sign-in."""
    return re.compile(
        rf'{{"user":{{"id":"{UUID_TEXT}","email":{json.dumps(email)},"role":"USER",'
        rf'"firstName":{json.dumps(first_name)},"lastName":null,"isActive":true}},'
        rf'"accessToken":"{JWT}","refreshToken":"{JWT}"}}'
    )


def same_refusal(answers: Sequence[TestResponse]) -> dict[str, Any]:
    """Check that these sign-ins were refused with identical bodies. Returns the body."""
    for answer in answers:
        assert refusal(answer) == (401, "INVALID_CREDENTIALS")
    varying = {"requestId", "timestamp"}
    first, *others = (
        {name: value for name, value in answer.json.items() if name not in varying}
        for answer in answers
    )
    assert others == [first] * len(others)
    return first


def deactivate(client: FlaskClient, user_id: object) -> None:
    client.post(
        f"/api/v1/admin/users/{user_id}/deactivate",
        json={"reason": "fraud"},
        headers=factories.admin().headers,
    )


def me(client: FlaskClient, token: str) -> int:
    """The status of a request for the profile of the caller."""
    return client.get(f"{AUTH}/me", headers=bearer(token)).status_code
