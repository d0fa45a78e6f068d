"""Validation and activation of licences."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from tests.answers import TIME, error_body, refusal
from tests.clock import freeze_clock
from tests.concurrency import broken
from tests.delivery.helpers import (
    delivered,
    refund_units,
)
from tests.delivery.licences.helpers import (
    STRANGE_KEY,
    activated,
    ask,
    events_of,
    sold_key,
)


class TestValidating:
    def test_it_contains_the_licence_and_not_the_buyer(self, client: FlaskClient) -> None:
        product_id, key, _ = sold_key(client)
        answer = ask(client, "validate", key)
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

    def test_a_key_can_be_typed_carelessly(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        typed = key.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        assert ask(client, "validate", typed).json["valid"] is True

    def test_it_must_be_active_on_the_machine(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        body = ask(client, "validate", key, instance="machine").json
        assert (body["valid"], body["reason"]) == (False, "NOT_ACTIVATED")
        activated(client, key, "machine")
        body = ask(client, "validate", key, instance="machine").json
        assert (body["valid"], body["reason"], body["activationsLeft"]) == (True, None, 2)
        assert ask(client, "validate", key, instance="other").json["valid"] is False

    def test_an_expired_licence_is_not_valid(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, key, line = sold_key(client, validDays=1)
        activated(client, key, "machine")
        freeze_clock(monkeypatch, clock.now() + timedelta(days=1))
        for fields in ({}, {"instance": "machine"}, {"instance": "other"}):
            answer = ask(client, "validate", key, **fields)
            assert answer.status_code == 200
            assert (answer.json["valid"], answer.json["reason"]) == (False, "EXPIRED")
            assert answer.json["status"] == "EXPIRED"
        assert delivered(line)["licences"][0]["status"] == "EXPIRED"

    def test_a_revoked_licence_is_not_valid(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        refund_units(line, 1)
        body = ask(client, "validate", key).json
        assert (body["valid"], body["reason"], body["status"]) == (False, "REVOKED", "REVOKED")

    @pytest.mark.parametrize("what", ["validate", "activate", "deactivate"])
    def test_wrong_keys_are_refused(self, client: FlaskClient, what: str) -> None:
        fields = {"instance": "machine"}
        assert refusal(ask(client, what, STRANGE_KEY, **fields)) == (404, "LICENCE_NOT_FOUND")
        answer = ask(client, what, STRANGE_KEY[:-1] + "T", **fields)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert error_body(answer)["details"] == {
            "key": ["Not a valid licence key: check it for typing errors."]
        }


class TestActivating:
    def test_it_counts_towards_the_limit(self, client: FlaskClient) -> None:
        product_id, key, line = sold_key(client)
        body = activated(client, key, "machine-1", label="Alice's")
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
        assert events_of("licence-activated") == [{"productId": str(product_id), "activations": 1}]
        assert broken() == []

    def test_repeating_it_has_no_effect(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        first = activated(client, key, "machine", label="first")
        assert activated(client, key, " machine ", label="second") == first
        assert re.fullmatch(TIME, first["activatedAt"])
        assert len(events_of("licence-activated")) == 1

    def test_above_the_limit_it_is_refused(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=2)
        activated(client, key, "one")
        activated(client, key, "two")
        answer = ask(client, "activate", key, instance="three")
        assert refusal(answer) == (409, "ACTIVATION_LIMIT_REACHED")
        assert error_body(answer)["details"] == {"activationLimit": 2, "activations": 2}
        assert activated(client, key, "two")["activationsLeft"] == 0

    def test_there_can_be_no_limit(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=None)
        for number in range(10):
            body = activated(client, key, f"machine-{number}")
        assert (body["activations"], body["activationsLeft"]) == (10, None)

    def test_an_invalid_licence_is_refused(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, revoked, line = sold_key(client)
        refund_units(line, 1)
        assert refusal(ask(client, "activate", revoked, instance="machine")) == (
            409,
            "LICENCE_REVOKED",
        )
        _, expired, _ = sold_key(client, validDays=1)
        freeze_clock(monkeypatch, clock.now() + timedelta(days=2))
        assert refusal(ask(client, "activate", expired, instance="machine")) == (
            409,
            "LICENCE_EXPIRED",
        )

    @pytest.mark.parametrize("instance", ["", "  ", "x" * 201, "a\x07b", "a\u200bb", 5, None])
    def test_an_instance_must_be_printable(self, client: FlaskClient, instance: Any) -> None:
        _, key, _ = sold_key(client)
        for what in ("activate", "deactivate", "validate"):
            answer = ask(client, what, key, instance=instance)
            assert refusal(answer) == (400, "VALIDATION_ERROR")
            assert list(error_body(answer)["details"]) == ["instance"]

    def test_an_instance_is_required(self, client: FlaskClient) -> None:
        for what in ("activate", "deactivate"):
            assert refusal(ask(client, what, STRANGE_KEY)) == (400, "VALIDATION_ERROR")


class TestDeactivating:
    def test_another_machine_can_be_activated_afterwards(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client, activationLimit=1)
        activated(client, key, "old")
        answer = ask(client, "deactivate", key, instance="old")
        assert (answer.status_code, answer.json["activationsLeft"]) == (200, 1)
        assert next(iter(answer.json)) == "productId"
        assert activated(client, key, "new")["activations"] == 1
        ask(client, "deactivate", key, instance="new")
        assert activated(client, key, "old")["activations"] == 1
        assert len(events_of("licence-deactivated")) == 2
        assert broken() == []

    def test_it_is_refused_for_an_inactive_machine(self, client: FlaskClient) -> None:
        _, key, _ = sold_key(client)
        activated(client, key, "machine")
        ask(client, "deactivate", key, instance="machine")
        for instance in ("machine", "other"):
            answer = ask(client, "deactivate", key, instance=instance)
            assert refusal(answer) == (404, "ACTIVATION_NOT_FOUND")

    def test_it_works_for_a_revoked_licence(self, client: FlaskClient) -> None:
        _, key, line = sold_key(client)
        activated(client, key, "machine")
        refund_units(line, 1)
        answer = ask(client, "deactivate", key, instance="machine")
        assert (answer.status_code, answer.json["status"]) == (200, "REVOKED")


class TestGuessing:
    def test_wrong_keys_are_limited_more_strictly(self, rate_limited: Flask) -> None:
        client = rate_limited.test_client()
        _, key, _ = sold_key(client)
        for _ in range(100):
            assert ask(client, "validate", key).status_code == 200
        kinds = ("validate", "activate", "deactivate")
        answers = [
            ask(client, kinds[number % 3], STRANGE_KEY, instance="machine").status_code
            for number in range(61)
        ]
        assert answers == [404] * 60 + [429]

    def test_other_errors_do_not_count_as_guesses(self, rate_limited: Flask) -> None:
        client = rate_limited.test_client()
        _, key, _ = sold_key(client)
        for _ in range(70):
            assert ask(client, "deactivate", key, instance="no").status_code == 404
        assert ask(client, "validate", key).status_code == 200
