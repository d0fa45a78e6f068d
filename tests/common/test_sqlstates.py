"""What the SQLSTATEs mean, and that nothing else in the application decides it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.common import db, sqlstates
from app.common.db import OutcomeUnknown, retry_transaction
from app.common.errors import Unavailable
from app.common.settings import PROJECT_ROOT
from app.common.sqlstates import Failure, failure_of
from tests.common.test_db import insert_row, rows

#: States of every class, as a client receives them from PostgreSQL.
STATES = {
    Failure.LOST: ["08000", "08003", "08006", "08P01", "57P01", "57P02", "57P04", "57P05"],
    Failure.ROLLED_BACK: ["57014", "25P03", "25P04"],
    Failure.CONTENTION: ["40001", "40P01", "55P03", "55006"],
    Failure.BUSY: ["53000", "53100", "53200", "53300", "57P03", "58030"],
    Failure.READ_ONLY: ["25006"],
    Failure.DEFECT: ["23505", "23514", "22012", "42P01", "42501", "25P02", "XX000", "P0001"],
}
EVERY_STATE = [(failure, state) for failure, states in STATES.items() for state in states]

FILE = Path(sqlstates.__file__)


def is_sqlstate(text: str) -> bool:
    if len(text) != 5:  # the names of conditions are found as well
        return False
    try:
        psycopg.errors.lookup(text)
    except KeyError:
        return False
    return True


def string_constants(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_class_is_tested() -> None:
    assert STATES.keys() == set(Failure)


def test_every_state_in_the_table_is_one_of_postgresql() -> None:
    assert [state for state in sqlstates._STATES if not is_sqlstate(state)] == []


@pytest.mark.parametrize(("failure", "state"), EVERY_STATE)
def test_a_state_means_its_class(failure: Failure, state: str) -> None:
    assert failure_of(state) is failure


def test_no_other_file_names_a_state() -> None:
    named = {
        f"{path.relative_to(PROJECT_ROOT)}: {text}"
        for path in (PROJECT_ROOT / "app").rglob("*.py")
        if path != FILE
        for text in string_constants(path)
        if is_sqlstate(text)
    }
    assert named == set()


def error_of(state: str) -> psycopg.Error:
    return psycopg.errors.lookup(state)("simulated")


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_PAUSE", (0, 0))


class TestStatement:
    # All states of a class in one test: a database for each would take most of its time.
    @pytest.mark.parametrize("failure", Failure)
    def test_it_is_retried_if_its_class_says_so(
        self, committing: Flask, without_pauses: None, failure: Failure
    ) -> None:
        expected: list[str] = []
        for state in STATES[failure]:
            attempts: list[str] = []

            def work(session: Session, attempts: list[str] = attempts, state: str = state) -> None:
                attempts.append(f"{state}, attempt {len(attempts) + 1}")
                insert_row(session, attempts[-1])
                if len(attempts) == 1:
                    raise error_of(state)

            if failure.is_retried:
                retry_transaction(work)
                expected.append(f"{state}, attempt 2")
            else:
                with pytest.raises(DBAPIError):
                    retry_transaction(work)
            assert rows() == expected

    @pytest.mark.parametrize(("failure", "state"), EVERY_STATE)
    def test_the_caller_is_told_whether_to_come_back(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        failure: Failure,
        state: str,
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise db.as_sqlalchemy(error_of(state))

        monkeypatch.setattr("app.products.service.list_on_sale", fail)

        answer = client.get("/api/v1/products?q=x")

        if failure.is_temporary:
            assert (answer.status_code, answer.json["error"]) == (503, "BUSY")
            assert answer.headers["Retry-After"] == "1"
        else:
            assert (answer.status_code, answer.json["error"]) == (500, "INTERNAL_ERROR")


class TestCommit:
    @pytest.mark.parametrize("failure", Failure)
    def test_the_outcome_is_unknown_only_after_a_lost_connection(
        self,
        committing: Flask,
        monkeypatch: pytest.MonkeyPatch,
        without_pauses: None,
        failure: Failure,
    ) -> None:
        expected: type[Exception] = DBAPIError
        if failure.outcome_unknown:
            expected = OutcomeUnknown
        elif failure.is_retried:
            expected = Unavailable
        for state in STATES[failure]:

            def fail(_: object, state: str = state) -> None:
                raise error_of(state)

            with monkeypatch.context() as broken:
                broken.setattr(psycopg.Connection, "commit", fail)
                with pytest.raises(expected):
                    retry_transaction(insert_row)
            assert rows() == [], state
