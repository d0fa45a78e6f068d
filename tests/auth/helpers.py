"""Asking the sign-in endpoints, and what their answers look like."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import PASSWORD

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


def me(client: FlaskClient, token: str) -> int:
    return client.get(f"{AUTH}/me", headers=bearer(token)).status_code
