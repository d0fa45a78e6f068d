"""Concurrent activations."""

from typing import Any

from flask import Flask

from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.delivery.helpers import delivered
from tests.delivery.licences.helpers import post_licence, sold_key


def test_concurrent_activations_cannot_exceed_the_limit(committing: Flask) -> None:
    _, key, line = sold_key(committing.test_client())

    def activate(number: int) -> Any:
        return post_licence(committing.test_client(), "activate", key, instance=f"machine-{number}")

    answers = all_at_once(activate, range(100), threads=100)

    assert outcomes(answers) == {(200, None): 3, (409, "ACTIVATION_LIMIT_REACHED"): 97}
    assert delivered(line)["licences"][0]["activations"] == 3
    assert broken_invariants() == []


def test_concurrent_activations_of_a_machine_are_one(committing: Flask) -> None:
    _, key, line = sold_key(committing.test_client(), activationLimit=1)

    def activate(_: int) -> Any:
        return post_licence(committing.test_client(), "activate", key, instance="machine")

    answers = all_at_once(activate, range(20), threads=20)

    assert {(answer.status_code, answer.data) for answer in answers} == {(200, answers[0].data)}
    assert delivered(line)["licences"][0]["activations"] == 1
    assert broken_invariants() == []


def test_concurrent_activations_and_deactivations_stay_within_the_limit(committing: Flask) -> None:
    _, key, line = sold_key(committing.test_client(), activationLimit=2, activationsPer30Days=None)

    def act(number: int) -> Any:
        action = "deactivate" if number % 3 == 2 else "activate"
        instance = f"machine-{number % 5}"
        return post_licence(committing.test_client(), action, key, instance=instance)

    answers = all_at_once(act, range(60), threads=20)

    assert set(outcomes(answers)) <= {
        (200, None),
        (409, "ACTIVATION_LIMIT_REACHED"),
        (404, "ACTIVATION_NOT_FOUND"),
    }
    assert delivered(line)["licences"][0]["activations"] <= 2
    assert broken_invariants() == []
