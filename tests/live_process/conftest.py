"""Fixtures of the live process."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.common import db
from app.common.database import Database
from app.common.settings import Settings
from tests import servers
from tests.conftest import clear_cache
from tests.live_process.helpers import LiveProcess


@pytest.fixture(scope="module")
def live_database(worker_app: Flask, worker_number: int) -> Iterator[servers.TestDatabase]:
    """A database in which this process commits what the live process sees."""
    kept = db.current()
    with servers.database(f"payment_flow_live_process_{worker_number}") as made:
        fresh = db.configure(Database(made.app_url))
        clear_cache()
        with worker_app.app_context():
            yield made
        fresh.dispose()
        db.configure(kept)


@pytest.fixture(scope="module")
def live(settings: Settings, live_database: servers.TestDatabase) -> Iterator[LiveProcess]:
    """One live process, as in development."""
    with LiveProcess.start(settings, live_database) as started:
        yield started
