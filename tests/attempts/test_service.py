"""Budgets of attempts: in the database, exact for concurrent requests, restored over a day."""

from datetime import timedelta

import pytest
from flask import Flask

from app.attempts import service
from app.attempts.service import PERIOD, Charge
from app.common import clock, db
from app.common.errors import TooManyRequests
from tests.concurrency import all_at_once

CODES = Charge("codes/caller", "alice", attempts=4)
OTHERS = Charge("codes/address", "192.0.2.1", attempts=100)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """The time that has passed, as its only element."""
    passed = [timedelta()]
    start = clock.now()
    monkeypatch.setattr("app.attempts.service.clock.now", lambda: start + passed[0])
    return passed


def spend(*charges: Charge) -> bool:
    """Whether the attempt was allowed."""
    try:
        with db.transaction() as session:
            service.require(service.spend(session, charges or [CODES]))
    except TooManyRequests:
        return False
    return True


def is_left(*charges: Charge) -> bool:
    try:
        with db.reading() as session:
            service.require(service.look(session, charges or [CODES]))
    except TooManyRequests:
        return False
    return True


def test_a_budget_is_spent_and_restored_evenly(app: Flask, later: list[timedelta]) -> None:
    assert [spend() for _ in range(6)] == [True] * 4 + [False] * 2
    assert not is_left()

    later[0] = PERIOD / 4
    assert is_left()
    assert [spend() for _ in range(2)] == [True, False]

    later[0] = 2 * PERIOD
    assert [spend() for _ in range(5)] == [True] * 4 + [False]


def test_the_refusal_says_when_to_try_again(app: Flask, later: list[timedelta]) -> None:
    for _ in range(4):
        spend()

    with pytest.raises(TooManyRequests) as refused, db.transaction() as session:
        service.require(service.spend(session, [CODES]))

    assert refused.value.headers["Retry-After"] == str(PERIOD // timedelta(seconds=4))


def test_subjects_and_scopes_have_budgets_of_their_own(app: Flask) -> None:
    for _ in range(5):
        spend()

    assert spend(Charge(CODES.scope, "bob", 4))
    assert spend(Charge("others", CODES.subject, 4))


def test_a_refused_attempt_spends_nothing(app: Flask, later: list[timedelta]) -> None:
    for _ in range(4):
        spend()
    for _ in range(200):
        spend(CODES, OTHERS)

    assert spend(OTHERS)


def test_an_attempt_that_was_made_is_recorded_even_if_nothing_is_left(
    app: Flask, later: list[timedelta]
) -> None:
    for _ in range(8):
        with db.transaction() as session:
            service.spend(session, [CODES, OTHERS])

    later[0] = PERIOD
    assert not is_left()
    later[0] = PERIOD * 1.25
    assert is_left(CODES, OTHERS)


def test_concurrent_attempts_do_not_exceed_the_budget(committing: Flask) -> None:
    assert sum(all_at_once(lambda _: spend(CODES, OTHERS), range(32), threads=16)) == 4
