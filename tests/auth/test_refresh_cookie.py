"""The refresh token in a cookie, for pages of this server."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.auth.helpers import AUTH, bearer, me
from tests.factories import PASSWORD

ORIGIN = {"Origin": "http://localhost"}
ASKS = {"X-Refresh-Cookie": "true"}
PATH = f"{AUTH}/refresh/cookie"
ACCOUNT = {"email": "page@example.com", "password": PASSWORD, "role": "USER"}


def register(client: FlaskClient, **headers: str) -> TestResponse:
    return client.post(f"{AUTH}/register", json=ACCOUNT, headers={**ASKS, **ORIGIN, **headers})


def refresh_cookie(answer: TestResponse) -> str:
    (found,) = [
        line
        for line in answer.headers.getlist("Set-Cookie")
        if line.startswith("payment_flow_refresh=")
    ]
    return found


def test_the_token_is_in_the_cookie_only(client: FlaskClient) -> None:
    answer = register(client)

    assert answer.status_code == 201
    assert answer.json["refreshToken"] is None
    cookie = refresh_cookie(answer)
    assert f"Path={PATH};" in cookie + ";"
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    assert token
    assert token not in answer.text


def test_over_https_the_cookie_is_secure(client: FlaskClient) -> None:
    answer = client.post(
        f"{AUTH}/register",
        json=ACCOUNT,
        headers=ASKS | {"Origin": "https://localhost"},
        base_url="https://localhost",
    )
    assert "Secure" in refresh_cookie(answer)


def test_without_the_header_nothing_changes(client: FlaskClient) -> None:
    answer = client.post(f"{AUTH}/register", json=ACCOUNT)

    assert answer.json["refreshToken"]
    cookies = answer.headers.getlist("Set-Cookie")
    assert not any(line.startswith("payment_flow_refresh") for line in cookies)


def test_each_refresh_replaces_the_cookie(client: FlaskClient) -> None:
    cookies = [refresh_cookie(register(client))]
    for _ in range(3):
        answer = client.post(PATH, headers=ORIGIN)
        assert answer.status_code == 200
        assert set(answer.json) == {"user", "accessToken"}
        assert me(client, answer.json["accessToken"]) == 200
        cookies.append(refresh_cookie(answer))
    assert len(set(cookies)) == 4


def test_a_cookie_that_was_used_before_ends_the_session(client: FlaskClient) -> None:
    first = refresh_cookie(register(client)).partition("=")[2].partition(";")[0]
    newer = client.post(PATH, headers=ORIGIN).json["accessToken"]
    client.set_cookie("payment_flow_refresh", first, path=PATH)

    assert client.post(PATH, headers=ORIGIN).status_code == 401
    assert me(client, newer) == 401


def test_without_a_cookie_nobody_is_signed_in(client: FlaskClient) -> None:
    assert client.post(PATH, headers=ORIGIN).status_code == 204


def test_a_cookie_that_is_no_longer_valid_is_deleted(client: FlaskClient) -> None:
    client.set_cookie("payment_flow_refresh", "outdated", path=PATH)

    answer = client.post(PATH, headers=ORIGIN)

    assert (answer.status_code, answer.json["error"]) == (401, "INVALID_REFRESH_TOKEN")
    assert "Max-Age=0" in refresh_cookie(answer)


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "https://localhost"])
def test_other_origins_are_refused(client: FlaskClient, origin: str | None) -> None:
    register(client)
    headers = {"Origin": origin} if origin else {}

    assert client.post(PATH, headers=headers).json["error"] == "ORIGIN_NOT_ALLOWED"
    login = {"email": ACCOUNT["email"], "password": PASSWORD}
    answer = client.post(f"{AUTH}/login", json=login, headers=headers | ASKS)
    assert (answer.status_code, answer.json["error"]) == (403, "ORIGIN_NOT_ALLOWED")


def test_signing_out_deletes_the_cookie(client: FlaskClient) -> None:
    token = register(client).json["accessToken"]

    answer = client.post(f"{AUTH}/logout", headers=bearer(token) | ASKS | ORIGIN)

    assert answer.status_code == 204
    assert "Max-Age=0" in refresh_cookie(answer)
    assert client.post(PATH, headers=ORIGIN).status_code == 204


def test_the_cookie_is_no_credential_of_the_api(client: FlaskClient) -> None:
    register(client)
    assert client.get(f"{AUTH}/me").status_code == 401
