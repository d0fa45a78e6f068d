"""Validation and activation of licences."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.delivery.helpers import (
    delivered,
    refund_units,
)
from tests.delivery.licences.helpers import (
    UNKNOWN_KEY,
    activate_key,
    events_of,
    post_licence,
    sold_key,
)
from tests.responses import TIME, error_body, refusal


class TestValidating:
    def test_the_response_contains_the_licence_but_not_the_buyer(self, client: FlaskClient) -> None:
        product_id, key, _ = sold_key(client)
        answer = post_licence(client, "validate", key)
        assert answer.status_code == 200
        assert answer.json == {
            "valid": True,
            "reason": None,
            "productId": str(product_id),
            "productName": "Voucher",
            "status": "ACTIVE",
            "expiresAt": None,
            "activationLimit": 3,
            "activations": 0,
            "activationsLeft": 3,
        }
        assert answer.headers["Cache-Control"] == "no-store"

    def test_common_typing_variants_of_a_key_are_accepted(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        typed = key.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert post_licence(client, "validate", typed).json["valid"] is True

    def test_with_an_instance_the_licence_must_be_activated_on_it(
        self, client: FlaskClient
    ) -> None:
        _, key, _ = sold_key(client)
        body = post_licence(client, "validate", key, instance="machine").json
        assert (body["valid"], body["reason"]) == (False, "NOT_ACTIVATED")
        activate_key(client, key, "machine")
        body = post_licence(client, "validate", key, instance="machine").json
        assert (body["valid"], body["reason"], body["activationsLeft"]) == (True, None, 2)
        assert post_licence(client, "validate", key, instance="other").json["valid"] is False

    def test_an_expired_licence_is_not_valid(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, key, line = sold_key(client, validDays=1)
        activate_key(client, key, "machine")
        freeze_clock(monkeypatch, clock.now() + timedelta(days=1))
        for fields in ({}, {"instance": "machine"}, {"instance": "other"}):
            answer = post_licence(client, "validate", key, **fields)
            assert answer.status_code == 200
            assert (answer.json["valid"], answer.json["reason"]) == (False, "EXPIRED")
            assert answer.json["status"] == "EXPIRED"
        assert delivered(line)["licences"][0]["status"] == "EXPIRED"

    def test_a_revoked_licence_is_not_valid(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        refund_units(line, 1)
        body = post_licence(client, "validate", key).json
        assert (body["valid"], body["reason"], body["status"]) == (False, "REVOKED", "REVOKED")

    @pytest.mark.parametrize("action", ["validate", "activate", "deactivate"])
    def test_wrong_keys_are_refused(self, client: FlaskClient, action: str) -> None:
        fields = {"instance": "machine"}
        assert refusal(post_licence(client, action, UNKNOWN_KEY, **fields)) == (
            404,
            "LICENCE_NOT_FOUND",
        )
        answer = post_licence(client, action, UNKNOWN_KEY[:-1] + "T", **fields)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert error_body(answer)["details"] == {
            "key": ["Not a valid licence key: check it for typing errors."]
        }


class TestActivating:
    def test_an_activation_counts_towards_the_limit(self, client: FlaskClient) -> None:
        product_id, key, line = sold_key(client)
        body = activate_key(client, key, "machine-1", label="Alice's")
        assert body.pop("activatedAt")
        assert body == {
            "instance": "machine-1",
            "label": "Alice's",
            "productId": str(product_id),
            "productName": "Voucher",
            "status": "ACTIVE",
            "expiresAt": None,
            "activationLimit": 3,
            "activations": 1,
            "activationsLeft": 2,
        }
        assert delivered(line)["licences"][0]["activations"] == 1
        assert events_of("licence-activated") == [
            {
                "merchantId": str(line.merchant_id),
                "productId": str(product_id),
                "activations": 1,
            }
        ]
        assert broken_invariants() == []

    def test_a_repeated_activation_has_no_effect(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        first = activate_key(client, key, "machine", label="first")
        assert activate_key(client, key, " machine ", label="second") == first
        assert re.fullmatch(TIME, first["activatedAt"])
        assert len(events_of("licence-activated")) == 1

    def test_an_activation_above_the_limit_is_refused(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=2)
        activate_key(client, key, "one")
        activate_key(client, key, "two")
        answer = post_licence(client, "activate", key, instance="three")
        assert refusal(answer) == (409, "ACTIVATION_LIMIT_REACHED")
        assert error_body(answer)["details"] == {"activationLimit": 2, "activations": 2}
        assert activate_key(client, key, "two")["activationsLeft"] == 0

    def test_a_licence_can_have_no_limit(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=None)
        for number in range(10):
            body = activate_key(client, key, f"machine-{number}")
        assert (body["activations"], body["activationsLeft"]) == (10, None)

    def test_an_invalid_licence_is_refused(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, revoked, line = sold_key(client)
        refund_units(line, 1)
        assert refusal(post_licence(client, "activate", revoked, instance="machine")) == (
            409,
            "LICENCE_REVOKED",
        )
        _, expired, _ = sold_key(client, validDays=1)
        freeze_clock(monkeypatch, clock.now() + timedelta(days=2))
        assert refusal(post_licence(client, "activate", expired, instance="machine")) == (
            409,
            "LICENCE_EXPIRED",
        )

    @pytest.mark.parametrize("instance", ["", "  ", "x" * 201, "a\x07b", "\u200b", 5, None])
    def test_an_instance_must_be_printable(self, client: FlaskClient, instance: Any) -> None:
        _, key, _ = sold_key(client)
        for action in ("activate", "deactivate", "validate"):
            answer = post_licence(client, action, key, instance=instance)
            assert refusal(answer) == (400, "VALIDATION_ERROR")
            assert list(error_body(answer)["details"]) == ["instance"]

    def test_an_instance_is_required(self, client: FlaskClient) -> None:
        for action in ("activate", "deactivate"):
            assert refusal(post_licence(client, action, UNKNOWN_KEY)) == (400, "VALIDATION_ERROR")


class TestDeactivating:
    def test_another_machine_can_be_activated_afterwards(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=1)
        activate_key(client, key, "old")
        answer = post_licence(client, "deactivate", key, instance="old")
        assert (answer.status_code, answer.json["activationsLeft"]) == (200, 1)
        assert next(iter(answer.json)) == "productId"
        assert activate_key(client, key, "new")["activations"] == 1
        post_licence(client, "deactivate", key, instance="new")
        assert activate_key(client, key, "old")["activations"] == 1
        assert len(events_of("licence-deactivated")) == 2
        assert broken_invariants() == []

    def test_the_deactivation_of_an_inactive_machine_is_refused(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        activate_key(client, key, "machine")
        post_licence(client, "deactivate", key, instance="machine")
        for instance in ("machine", "other"):
            answer = post_licence(client, "deactivate", key, instance=instance)
            assert refusal(answer) == (404, "ACTIVATION_NOT_FOUND")

    def test_a_revoked_licence_can_be_deactivated(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        activate_key(client, key, "machine")
        refund_units(line, 1)
        answer = post_licence(client, "deactivate", key, instance="machine")
        assert (answer.status_code, answer.json["status"]) == (200, "REVOKED")


class TestGuessing:
    def test_wrong_keys_are_limited_more_strictly(self, rate_limited: Flask) -> None:
        client = rate_limited.test_client()
        _, key, _ = sold_key(client)
        for _ in range(100):
            assert post_licence(client, "validate", key).status_code == 200
        actions = ("validate", "activate", "deactivate")
        answers = [
            post_licence(client, actions[number % 3], UNKNOWN_KEY, instance="machine").status_code
            for number in range(61)
        ]
        assert answers == [404] * 60 + [429]

    def test_other_errors_do_not_count_as_guesses(self, rate_limited: Flask) -> None:
        client = rate_limited.test_client()
        _, key, _ = sold_key(client)
        for _ in range(70):
            assert post_licence(client, "deactivate", key, instance="no").status_code == 404
        assert post_licence(client, "validate", key).status_code == 200
