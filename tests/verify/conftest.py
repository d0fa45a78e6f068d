"""One database for all tests of invariants."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.common.database import Database
from tests import servers
from tests.concurrency import broken_invariants
from tests.verify.books import Books, create_records, using_database, without_constraints


@pytest.fixture(scope="package")
def books(worker_app: Flask, worker_number: int) -> Iterator[Books]:
    with servers.database(f"payment_flow_books_{worker_number}") as made:
        with using_database(Database(made.app_url)), worker_app.app_context():
            buyer = create_records(worker_app)
            assert broken_invariants() == []
        with without_constraints(made.owner_url) as connection:
            connection.commit()
            yield Books(made, str(buyer.id), connection)
