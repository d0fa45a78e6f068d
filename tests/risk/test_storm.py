"""Rules about what was paid before are exact, however many payments are decided at once."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.risk.helpers import condition, decisions, rule
from tests.transfers.helpers import send

DECLINED = (403, "RISK_DECLINED")


def _storm(app: Flask, *, users: int, transfers: int, threads: int) -> None:
    rule(condition("count", ">", 10, "MINUTE"))
    receiver = factories.actor()
    senders = [factories.actor(balance="100.00") for _ in range(users)]

    def transfer(number: int) -> TestResponse:
        return send(app.test_client(), senders[number % users], receiver, "1.00")

    answers = all_at_once(transfer, range(users * transfers), threads=threads)

    assert outcomes(answers) == {(201, None): users * 10, DECLINED: users * (transfers - 10)}
    for sender in senders:
        passed = [row.outcome for row in decisions(sender.id)].count("APPROVE")
        assert passed == 10
        assert [row.ordinal for row in decisions(sender.id)] == list(range(1, transfers + 1))
    assert broken_invariants() == []


def test_exactly_as_many_transfers_pass_as_a_rule_allows(committing: Flask) -> None:
    _storm(committing, users=4, transfers=16, threads=16)


@pytest.mark.stress
def test_exactly_ten_of_forty_transfers_pass_for_each_of_fifty_users(committing: Flask) -> None:
    _storm(committing, users=50, transfers=40, threads=32)
