"""One set of books for all that is proved about them."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.common import db
from tests import servers
from tests.concurrency import broken
from tests.verify.books import Books, do_business, working_on


@pytest.fixture(scope="package")
def books(worker_app: Flask, worker_number: int) -> Iterator[Books]:
    with servers.database(f"payment_flow_books_{worker_number}") as made:
        with working_on(db.Database(made.app_url)), worker_app.app_context():
            buyer = do_business(worker_app)
            assert broken() == []
        yield Books(made, str(buyer.id))
