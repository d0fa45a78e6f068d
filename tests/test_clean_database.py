"""What a test committed is gone in the next one."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from app.models import Base
from tests.clean_database import CleanDatabase
from tests.servers import TestDatabase


@pytest.fixture(scope="module")
def database(worker_number: int) -> Iterator[CleanDatabase]:
    made = CleanDatabase(f"payment_flow_clean_{worker_number}")
    yield made
    made.drop()


def execute(database: TestDatabase, *statements: str) -> list[str]:
    """The results of the statements, of one value each, executed by the owner of the tables."""
    engine = create_engine(database.owner_url)
    with engine.begin() as connection:
        results = [connection.execute(text(statement)) for statement in statements]
        found = [str(result.scalar()) for result in results if result.returns_rows]
    engine.dispose()
    return found


def state(database: TestDatabase) -> list[str]:
    return execute(
        database,
        *(f"SELECT array_agg(t ORDER BY t::text) FROM {name} t" for name in Base.metadata.tables),
        "SELECT array_agg((relname, relacl) ORDER BY oid) FROM pg_class WHERE relkind = 'r'",
        "SELECT array_agg((tgname, tgenabled) ORDER BY oid) FROM pg_trigger",
    )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wallet_limits SET amount = amount + 1",
        "DELETE FROM wallet_limits",
        "INSERT INTO summed_days VALUES (current_date, now())",
        "ALTER TABLE wallet_limits ADD COLUMN extra text",
        "GRANT DELETE ON wallet_limits TO public",
        "ALTER TABLE wallet_transactions DISABLE TRIGGER USER",
    ],
)
def test_a_change_is_gone(database: CleanDatabase, change: str) -> None:
    before = state(database.take())
    made = database.take()

    execute(made, change)

    assert state(database.take()) == before


def test_a_number_of_the_next_row_is_the_first_again(database: CleanDatabase) -> None:
    numbers = "SELECT nextval('outbox_events_sequence_seq')"
    assert [execute(database.take(), numbers) for _ in range(2)] == [["1"], ["1"]]
