"""Logs: every request, and no secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.common.logging import redact
from app.common.settings import Settings
from tests import servers
from tests.factories import PASSWORD, PASSWORD_HASH
from tests.live import LiveServer, wait_until

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"

KEY = "pf_live_" + "Zq3mT0vKcH2nXw8yLr5sBg" * 2 + "Zq3mT"

LINK_TOKEN = "Zq3mT0vKcH2nXw8yLr5sBg"
PRODUCT_ID = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


class TestRedacting:
    @pytest.mark.parametrize(
        "name",
        [
            "password",
            "newPassword",
            "password_hash",
            "accessToken",
            "refresh_token",
            "Authorization",
            "jwt_access_secret",
            "signature",
            "Cookie",
            "api_key",
            "apiKey",
        ],
    )
    def test_a_value_with_the_name_of_a_secret_is_redacted(self, name: str) -> None:
        event: dict[str, Any] = {name: "hunter2", "path": "/x"}

        assert redact(None, "", event) == {name: "[redacted]", "path": "/x"}

    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            (f"got Bearer {JWT} from", "got Bearer [redacted] from"),
            (f"token {JWT}!", "token eyJhbGciOiJIUzI1NiJ9.[redacted]!"),
            (f"got {KEY}, which", "got pf_live_[redacted], which"),
            (f"row ({PASSWORD_HASH}, USER)", "row ($2b$[redacted], USER)"),
            (
                "at postgresql://shop:s3cr3t@db:5432/shop failed",
                "at postgresql://shop:[redacted]@db:5432/shop failed",
            ),
            ("redis://:s3cr3t@cache/0", "redis://:[redacted]@cache/0"),
            ("Invalid: sk_live_a1B2c3, or", "Invalid: sk_live_[redacted], or"),
            ("rk_test_a1B2c3 whsec_a1+B/2=", "rk_test_[redacted] whsec_[redacted]"),
        ],
    )
    def test_a_value_with_the_format_of_a_secret_is_redacted(self, text: str, safe: str) -> None:
        assert redact(None, "", {"exception": text}) == {"exception": safe}

    def test_the_values_of_a_refused_row_are_redacted(self) -> None:
        text = "CheckViolation: no\nDETAIL:  Failing row contains (1, alice@example.com).\n[SQL: x]"
        event: dict[str, Any] = {"exception": text}

        assert redact(None, "", event)["exception"] == (
            "CheckViolation: no\nDETAIL: [redacted]\n[SQL: x]"
        )

    @pytest.mark.parametrize(
        "value", ["/api/v1/orders", "https://example.com/a", "costs $20", 5, None, "a@b.example"]
    )
    def test_other_values_are_unchanged(self, value: Any) -> None:
        assert redact(None, "", {"path": value}) == {"path": value}


def test_a_running_server_logs_every_request_and_no_secret(
    settings: Settings, worker_number: int, data_dir: Path
) -> None:
    with (
        servers.database(f"payment_flow_log_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1, LOG_LEVEL="info") as server,
    ):
        credentials = {"email": "alice@example.com", "password": PASSWORD}
        user = server.call("POST", "/api/v1/auth/register", credentials | {"role": "MERCHANT"}).json
        server.call("POST", "/api/v1/auth/login", credentials | {"password": PASSWORD + "x"})
        server.call("POST", "/api/v1/auth/refresh", {"refreshToken": user["refreshToken"]})
        server.call("POST", "/api/v1/auth/refresh", {"refreshToken": user["refreshToken"]})
        named = {"X-Request-Id": "find-me-in-the-log"}
        wallet = server.call("GET", "/api/v1/wallet", token=user["accessToken"], headers=named)
        token = server.call("POST", "/api/v1/auth/login", credentials).json["accessToken"]
        fields = {"name": "Server", "scopes": ["wallet:read"], "password": PASSWORD}
        key = server.call("POST", "/api/v1/auth/api-keys", fields, token=token).json
        by_key = {"token": key["key"], "headers": {"X-Request-Id": "this-is-the-server"}}
        assert server.call("GET", "/api/v1/wallet", **by_key).status == 200
        server.call("GET", f"/api/v1/products?q={key['key']}", token=key["key"])
        server.call("GET", f"/api/v1/products/{key['key']}", token=key["key"][:-1])
        wait_until(
            lambda: server.call("GET", "/api/v1/auth/api-keys", token=token).json["data"][0][
                "lastUsedAt"
            ]
        )
        server.call("GET", f"/api/v1/products?q={JWT}")
        server.call("GET", f"/pay/{LINK_TOKEN}")
        server.call("GET", f"/api/v1/products/{PRODUCT_ID}")
        port = server.url.rpartition(":")[2]

    assert wallet.headers["x-request-id"] == "find-me-in-the-log"
    written = (data_dir / f"live-{port}.log").read_text()
    tokens = (user["accessToken"], user["refreshToken"], token)
    for secret in (PASSWORD, *tokens, JWT, "$2b$", LINK_TOKEN):
        assert secret not in written
    assert key["key"][len(key["prefix"]) : -1] not in written
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request"]
    assert all(line["request_id"] for line in requests)
    paths = {line["path"] for line in requests}
    assert {"/pay/[redacted]", f"/api/v1/products/{PRODUCT_ID}"} <= paths
    (by_server,) = [line for line in requests if line["request_id"] == "this-is-the-server"]
    assert (by_server["user_id"], by_server["key_id"]) == (user["user"]["id"], key["id"])
    (mine,) = [line for line in requests if line["request_id"] == "find-me-in-the-log"]
    assert (mine["method"], mine["path"], mine["user_id"]) == (
        "GET",
        "/api/v1/wallet",
        user["user"]["id"],
    )
