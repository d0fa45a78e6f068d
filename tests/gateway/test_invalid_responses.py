"""Invalid responses of the gateway."""

import json
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from uuid import UUID

import pytest

from app.common.ids import new_id
from app.gateway import client
from app.gateway.errors import (
    GatewayRefused,
    GatewayUnavailable,
)
from app.gateway.provider_config import GatewayConfig
from tests.gateway.helpers import MONEY, UseGateway, session_arguments
from tests.stripe import (
    SECRET_KEY,
    WEBHOOK_SECRET,
)


class _FixedResponse(BaseHTTPRequestHandler):
    """Sends the same response to every request."""

    status: ClassVar[int] = 200
    body: ClassVar[bytes] = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fixed_response(use_gateway: UseGateway) -> Iterator[type[_FixedResponse]]:
    """A gateway that sends the response set on this handler."""
    handler = type("FixedResponse", (_FixedResponse,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    use_gateway(GatewayConfig(url, SECRET_KEY, (WEBHOOK_SECRET,)))
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


class TestInvalidResponses:
    """Each is treated as an unavailable gateway."""

    ORDER: ClassVar[UUID] = new_id()
    GOOD: ClassVar[dict[str, Any]] = {
        "id": "cs_test_1",
        "object": "checkout.session",
        "status": "open",
        "payment_status": "unpaid",
        "payment_intent": None,
        "amount_total": MONEY.minor,
        "currency": "usd",
        "client_reference_id": str(ORDER),
        "url": "https://checkout.stripe.com/c/pay/cs_test_1",
        "expires_at": 1_800_000_000,
    }

    def create_session(
        self, fixed_response: type[_FixedResponse], body: Any, status: int = 200
    ) -> None:
        fixed_response.status = status
        fixed_response.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        client.create_checkout_session(self.ORDER, **session_arguments())

    def test_additional_fields_are_ignored(self, fixed_response: type[_FixedResponse]) -> None:
        self.create_session(
            fixed_response, self.GOOD | {"payment_intent": {"id": "pi_1"}, "more": [1, {"a": None}]}
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_reference_id": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"},
            {"client_reference_id": None},
            {"amount_total": 5001},
            {"amount_total": "5000"},
            {"amount_total": None},
            {"currency": "eur"},
            {"currency": None},
            {"url": None},
            {"url": "javascript:alert(1)"},
            {"id": 7},
            {"id": ""},
            {"status": "lost"},
            {"expires_at": "soon"},
            {"payment_intent": 5},
        ],
        ids=str,
    )
    def test_an_invalid_field_invalidates_the_response(
        self, fixed_response: type[_FixedResponse], changes: dict[str, Any]
    ) -> None:
        with pytest.raises(GatewayUnavailable):
            self.create_session(fixed_response, self.GOOD | changes)

    @pytest.mark.parametrize("body", [b"", b"OK", b"[]", b"null", b"{}", b"\xff", b"{" * 9])
    @pytest.mark.parametrize("status", [200, 302, 500, 503])
    def test_a_body_of_another_shape_is_unavailable(
        self, fixed_response: type[_FixedResponse], body: bytes, status: int
    ) -> None:
        with pytest.raises(GatewayUnavailable):
            self.create_session(fixed_response, body, status)

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (409, {"type": "invalid_request_error", "code": "lock_timeout"}),
            (429, {"type": "invalid_request_error", "code": "rate_limit"}),
            (400, {"type": "invalid_request_error", "code": "rate_limit"}),
            (500, {"type": "api_error"}),
            (503, {"type": "api_error"}),
        ],
    )
    def test_an_error_without_a_certain_outcome_is_unavailable(
        self, fixed_response: type[_FixedResponse], status: int, error: dict[str, str]
    ) -> None:
        with pytest.raises(GatewayUnavailable):
            self.create_session(fixed_response, {"error": error | {"message": "Later."}}, status)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, "invalid_request_error"),
            (401, "invalid_request_error"),
            (402, "card_error"),
            (403, "invalid_request_error"),
            (404, "invalid_request_error"),
        ],
    )
    def test_a_refusal_is_raised_without_the_message_of_the_gateway(
        self, fixed_response: type[_FixedResponse], status: int, kind: str
    ) -> None:
        error = {"type": kind, "message": "hunter2 refused"}
        with pytest.raises(GatewayRefused) as refused:
            self.create_session(fixed_response, {"error": error}, status)
        # Nor is it logged: the message of Stripe may contain personal data.
        assert "hunter2" not in "".join(traceback.format_exception(refused.value))
