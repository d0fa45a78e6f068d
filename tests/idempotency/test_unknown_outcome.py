"""The database connection is lost during COMMIT: with a key, the outcome can be looked up."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import db
from tests import factories
from tests.idempotency.test_views import cents, send
from tests.responses import refusal


class TestUnknownOutcome:
    PATH, BODY = "/api/v1/wallet/deposit", {"amount": "10.00"}

    @pytest.fixture(params=["committed", "rolled back"])
    def lose_connection(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], None]:
        """A function after which the next COMMIT loses the connection."""
        commit = db._commit

        def fail_once(session: Any) -> None:
            monkeypatch.setattr(db, "_commit", commit)
            if request.param == "committed":
                commit(session)
            raise db.OutcomeUnknown

        return lambda: monkeypatch.setattr(db, "_commit", fail_once)

    def test_a_request_with_a_key_is_executed_once(
        self, client: FlaskClient, lose_connection: Callable[[], None]
    ) -> None:
        user = factories.actor()
        lose_connection()

        answer = send(client, user, self.PATH, self.BODY, "k-1")

        assert answer.status_code == 200
        assert answer.json["wallet"]["balance"] == "10.00"
        assert cents(client, user) == 1000

    def test_a_request_without_a_key_is_executed_once_too(
        self,
        client: FlaskClient,
        lose_connection: Callable[[], None],
        request: pytest.FixtureRequest,
    ) -> None:
        """The id of its journal entry tells that it was committed, but not what was answered."""
        user = factories.actor()
        lose_connection()

        answer = send(client, user, self.PATH, self.BODY, None)

        if request.node.callspec.params["lose_connection"] == "committed":
            assert refusal(answer) == (500, "OUTCOME_UNKNOWN")
            assert "Check your history" in answer.json["message"]
        else:
            assert answer.status_code == 200
        assert cents(client, user) == 1000

    def test_a_refusal_of_the_second_attempt_does_not_hide_the_first(
        self,
        client: FlaskClient,
        lose_connection: Callable[[], None],
        request: pytest.FixtureRequest,
    ) -> None:
        """All of the balance is withdrawn, so it does not suffice a second time."""
        user = factories.buyer("10.00")
        lose_connection()

        answer = send(client, user, "/api/v1/wallet/withdraw", {"amount": "10.00"}, None)

        if request.node.callspec.params["lose_connection"] == "committed":
            assert refusal(answer) == (500, "OUTCOME_UNKNOWN")
        else:
            assert answer.status_code == 200
        assert cents(client, user) == 0
