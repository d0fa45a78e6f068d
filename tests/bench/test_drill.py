"""The drill: a shop whose database is destroyed under load is restored, with what buyers know."""

import pytest
from rich.console import Console

from bench import drill

pytestmark = [pytest.mark.stress, pytest.mark.embedded]


def test_a_destroyed_database_is_restored_with_every_purchase_that_was_archived() -> None:
    log, outcomes = drill.drill(seconds=12, show=print)

    assert len(log.orders) > 20
    latest, exact = outcomes
    assert latest.rpo <= drill.MAX_RPO
    # Half of the purchases came after the moment, and are gone.
    assert exact.lost > latest.lost
    assert all(outcome.is_verified and outcome.wrong == 0 for outcome in outcomes)
    assert drill.report(log, outcomes, Console())
