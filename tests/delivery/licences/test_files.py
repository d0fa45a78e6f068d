"""Licence files, verified as the documentation shows."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from app.common import clock, encryption, http
from app.common.settings import PROJECT_ROOT
from tests.clock import freeze_clock
from tests.delivery.helpers import refund_units
from tests.delivery.licences.helpers import activate_key, post_licence, sold_key
from tests.responses import refusal

Check = Callable[[str, list[dict[str, Any]], str], dict[str, Any]]


@pytest.fixture(scope="module")
def check_licence() -> Check:
    """The function of docs/licences.md."""
    document = (PROJECT_ROOT / "docs" / "licences.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", document, re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    check: Check = names["check_licence"]
    return check


def published_keys(client: FlaskClient) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = client.get("/api/v1/licences/keys").json["keys"]
    return keys


def test_a_program_verifies_it_offline(client: FlaskClient, check_licence: Check) -> None:
    product_id, key, _ = sold_key(client, validDays=365)
    activate_key(client, key, "machine")
    answer = post_licence(client, "file", key, instance="machine")
    assert answer.status_code == 200, answer.text

    licence = check_licence(answer.json["content"], published_keys(client), "machine")

    assert (licence["key"], licence["product"]) == (key, str(product_id))
    assert licence["exp"] - licence["iat"] == timedelta(days=30).total_seconds()
    assert licence["licenceExpiresAt"] > answer.json["expiresAt"] > answer.json["issuedAt"]


def test_it_is_refused_elsewhere_changed_or_expired(
    client: FlaskClient, check_licence: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key, _ = sold_key(client)
    activate_key(client, key, "machine")
    keys = published_keys(client)
    content = post_licence(client, "file", key, instance="machine").json["content"]
    head, _, signature = content.split(".")
    _, other, _ = jwt.encode({"instance": "machine"}, "x" * 32).split(".")

    with pytest.raises(ValueError, match="another machine"):
        check_licence(content, keys, "other")
    with pytest.raises(jwt.InvalidSignatureError):
        check_licence(f"{head}.{other}.{signature}", keys, "machine")
    with monkeypatch.context() as patch:
        freeze_clock(patch, clock.now() - timedelta(days=31))
        _, earlier, _ = sold_key(client)
        activate_key(client, earlier, "machine")
        expired = post_licence(client, "file", earlier, instance="machine").json["content"]
    with pytest.raises(jwt.ExpiredSignatureError):
        check_licence(expired, keys, "machine")


def test_it_ends_with_the_licence(client: FlaskClient) -> None:
    _, key, _ = sold_key(client, validDays=1)
    activate_key(client, key, "machine")
    file = post_licence(client, "file", key, instance="machine").json
    licence = post_licence(client, "validate", key).json
    assert file["expiresAt"][:19] == licence["expiresAt"][:19]


def test_it_needs_a_valid_licence_that_is_active_there(client: FlaskClient) -> None:
    _, key, line = sold_key(client)
    inactive = post_licence(client, "file", key, instance="machine")
    assert refusal(inactive) == (404, "ACTIVATION_NOT_FOUND")
    activate_key(client, key, "machine")
    refund_units(line, 1)
    revoked = post_licence(client, "file", key, instance="machine")
    assert refusal(revoked) == (409, "LICENCE_REVOKED")


def test_after_a_rotation_earlier_files_are_still_verified(
    client: FlaskClient, check_licence: Check
) -> None:
    used = http.settings().encryption_secrets
    _, key, _ = sold_key(client)
    activate_key(client, key, "machine")
    before = post_licence(client, "file", key, instance="machine").json["content"]
    try:
        encryption.configure(["n" * 32, *used])
        keys = published_keys(client)
        after = post_licence(client, "file", key, instance="machine").json["content"]
    finally:
        encryption.configure(used)

    kids = [jwt.get_unverified_header(content)["kid"] for content in (after, before)]
    assert kids == [each["kid"] for each in keys[:2]]
    for content in (before, after):
        assert check_licence(content, keys, "machine")["key"] == key
