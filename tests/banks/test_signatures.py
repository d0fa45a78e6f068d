"""Signatures of the banks' webhooks, valid and invalid."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.banks import providers, signing
from app.common import clock
from app.common.db import reading
from app.inbox.models import InboundEvent
from tests.banks.webhooks import deliver, event_body, key_of, send_event, signed_headers
from tests.clock import freeze_clock
from tests.responses import error_body

BODY = json.dumps(event_body("payout.paid", "reference-1")).encode()

pytestmark = pytest.mark.usefixtures("handler")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Call it with other keys of HDFC for the rest of the test."""

    def change(*chosen: bytes) -> None:
        bank = providers.get("HDFC")
        assert bank is not None
        monkeypatch.setitem(providers._providers(), "HDFC", replace(bank, keys=chosen))

    return change  # type: ignore[return-value]


def stored() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(InboundEvent)) or 0


def require_refused(answer: TestResponse, reason: str) -> None:
    body = error_body(answer)
    assert (answer.status_code, body["error"]) == (401, "INVALID_SIGNATURE")
    assert body["details"] == {"reason": reason}
    assert stored() == 0


def test_a_signed_webhook_is_accepted(client: FlaskClient) -> None:
    answer = deliver(client, BODY, signed_headers(BODY, key=key_of("HDFC")))
    assert (answer.status_code, answer.json) == (200, {"received": True})
    assert stored() == 1


def test_the_reference_library_accepts_our_signatures(client: FlaskClient) -> None:
    bank = providers.get("HDFC")
    assert bank is not None
    answer = deliver(client, BODY, signing.signed_headers(bank, BODY, message_id="evt_ours"))
    assert answer.status_code == 200


def test_another_key_is_refused(client: FlaskClient) -> None:
    require_refused(deliver(client, BODY, signed_headers(BODY, key=b"x" * 32)), "FORGED")


def test_one_bank_cannot_sign_for_another(client: FlaskClient) -> None:
    headers = signed_headers(BODY, key=key_of("AXIS"))
    require_refused(deliver(client, BODY, headers, provider="HDFC"), "FORGED")


@pytest.mark.parametrize("where", range(0, len(BODY), 29))
def test_a_changed_byte_is_refused(client: FlaskClient, where: int) -> None:
    changed = BODY[:where] + bytes([BODY[where] ^ 1]) + BODY[where + 1 :]
    require_refused(deliver(client, changed, signed_headers(BODY, key=key_of("HDFC"))), "FORGED")


def test_whitespace_is_signed(client: FlaskClient) -> None:
    require_refused(
        deliver(client, BODY + b" ", signed_headers(BODY, key=key_of("HDFC"))), "FORGED"
    )


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_the_id_and_the_time_are_signed(client: FlaskClient, header: str) -> None:
    headers = signed_headers(BODY, key=key_of("HDFC"))
    later = str(int(headers["webhook-timestamp"]) + 1)
    changed = {"webhook-id": "evt_other", "webhook-timestamp": later}[header]
    require_refused(deliver(client, BODY, headers | {header: changed}), "FORGED")


@pytest.mark.parametrize("header", signing.HEADERS)
@pytest.mark.parametrize("given", [None, ""])
def test_a_missing_header_is_refused(client: FlaskClient, header: str, given: str | None) -> None:
    headers = signed_headers(BODY, key=key_of("HDFC"))
    headers.pop(header)
    if given is not None:
        headers[header] = given
    require_refused(deliver(client, BODY, headers), "MISSING")


MALFORMED = {
    "webhook-id": ["two words", "ümlaut", "x" * 256, "tab\there"],
    "webhook-timestamp": [
        "now",
        "inf",
        "-inf",
        "nan",
        "1e9",
        "1e999",
        "-1",
        "+1",
        "1.5",
        "0x10",
        "1_000",
        " 1",
        "\uff11",
        "9" * 13,
        "9" * 5000,
    ],
    "webhook-signature": [
        "v1",
        "v1;abc",
        "v2,abc",
        "V1,abc",
        "abc",
        ",",
        " ",
        "v1a,abc v2,def",
        "\x00",
        "ümlaut",
    ],
}


@pytest.mark.parametrize(
    ("header", "value"), [(name, value) for name, values in MALFORMED.items() for value in values]
)
def test_a_malformed_header_is_refused_without_an_internal_error(
    client: FlaskClient, header: str, value: str
) -> None:
    headers = signed_headers(BODY, key=key_of("HDFC"))
    latin = value.encode().decode("latin-1")  # as WSGI hands bytes over
    require_refused(
        client.post(
            "/api/v1/onramp/webhooks/HDFC",
            data=BODY,
            content_type="application/json",
            headers={n: v for n, v in headers.items() if n != header},
            environ_overrides={f"HTTP_{header.upper().replace('-', '_')}": latin},
        ),
        "MALFORMED",
    )


@pytest.mark.parametrize(
    "signature",
    [
        "v1,",
        "v1,!!!not-base64!!!",
        "v1,QUJD",
        "v1,ümlaut",
        "v1,QUJD v1,REVG",
        "v1," + "A" * 8000,
        "v1,v1,v1,",
        " ".join(["v1,QUJD"] * 500),
    ],
)
def test_a_malformed_signature_is_refused(client: FlaskClient, signature: str) -> None:
    headers = signed_headers(BODY, key=key_of("HDFC"))
    headers["webhook-signature"] = signature.encode().decode("latin-1")
    require_refused(deliver(client, BODY, headers), "FORGED")


def test_a_body_that_is_not_utf8_is_refused(client: FlaskClient) -> None:
    headers = signed_headers(BODY, key=key_of("HDFC"))
    require_refused(deliver(client, b'{"id": "\xff\xfe"}', headers), "MALFORMED")


@pytest.mark.parametrize(
    ("seconds", "taken"),
    [(-301, False), (-299, True), (299, True), (301, False), (-(10**6), False), (10**11, False)],
)
def test_clocks_may_differ_by_five_minutes(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, seconds: int, taken: bool
) -> None:
    now = clock.now().replace(microsecond=0)
    freeze_clock(monkeypatch, now)
    at = str(int(now.timestamp()) + seconds)
    headers = signed_headers(BODY, key=key_of("HDFC"))
    if taken:
        moment = now + timedelta(seconds=seconds)
        assert (
            deliver(client, BODY, signed_headers(BODY, key=key_of("HDFC"), at=moment)).status_code
            == 200
        )
    else:
        require_refused(deliver(client, BODY, headers | {"webhook-timestamp": at}), "STALE")


def test_a_recorded_webhook_cannot_be_replayed_ten_minutes_later(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = signed_headers(BODY, key=key_of("HDFC"))
    later: datetime = clock.now() + timedelta(minutes=10)
    freeze_clock(monkeypatch, later)
    require_refused(deliver(client, BODY, headers), "STALE")


def test_one_valid_signature_of_several_is_enough(client: FlaskClient) -> None:
    headers = signed_headers(BODY, key=key_of("HDFC"))
    right = headers["webhook-signature"]
    headers["webhook-signature"] = f"v1a,QUJD v1,QUJD {right} v9,x"
    assert deliver(client, BODY, headers).status_code == 200


class TestRotation:
    old, new = b"o" * 32, b"n" * 32

    def test_while_both_keys_are_active_either_is_accepted(
        self, client: FlaskClient, keys: Any
    ) -> None:
        keys(self.new, self.old)
        for key in (self.old, self.new):
            event = event_body("payout.paid", "reference-1")
            assert send_event(client, event, key=key).status_code == 200
        assert stored() == 2

    def test_a_key_is_refused_once_it_is_removed_from_the_settings(
        self, client: FlaskClient, keys: Any
    ) -> None:
        keys(self.new)
        require_refused(deliver(client, BODY, signed_headers(BODY, key=self.old)), "FORGED")
        assert deliver(client, BODY, signed_headers(BODY, key=self.new)).status_code == 200

    def test_our_requests_are_signed_with_the_first_key(self, keys: Any) -> None:
        keys(self.new, self.old)
        bank = providers.get("HDFC")
        assert bank is not None
        headers = signing.signed_headers(bank, BODY, message_id="evt_ours")
        assert (
            headers["webhook-signature"]
            == signed_headers(BODY, key=self.new, event_id="evt_ours")["webhook-signature"]
        )


def test_keys_are_not_in_the_representation_of_a_bank() -> None:
    bank = providers.Provider("HDFC", "HDFC Bank", "http://bank", (b"hunter2" * 5,))
    assert "hunter2" not in repr(bank)
    assert base64.b64encode(b"hunter2").decode() not in repr(bank)
