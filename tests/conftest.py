"""Fixtures: the application on a real database, rolled back or dropped after each test."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import sessionmaker

from app.banks import client as bank_client
from app.banks import providers
from app.common import cache, db, http, process_state, redis_client
from app.common.database import Database
from app.common.process_state import Slot
from app.common.ratelimit import limiter
from app.common.settings import Settings
from app.factory import create_app
from tests import servers
from tests.authenticator import ManualClock
from tests.clean_database import CleanDatabase
from tests.fake_bank import FakeBank
from tests.live import LiveServer

_cleanup = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, before the workers of xdist, which share them."""
    global _cleanup
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        _cleanup = servers.start()
        servers.make_template()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests that require root, Linux or the embedded server where it is missing."""
    missing = {
        "root": os.geteuid() != 0,
        "linux": sys.platform != "linux",
        "embedded": "DATABASE_URL" in os.environ,
    }
    deselected = [
        item
        for item in items
        if any(item.get_closest_marker(mark) and is_missing for mark, is_missing in missing.items())
    ]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


def pytest_unconfigure() -> None:
    if _cleanup is not None:
        _cleanup.close()


@pytest.fixture(scope="session")
def worker_number(worker_id: str) -> int:
    return int(worker_id.removeprefix("gw")) + 1 if worker_id != "master" else 0


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def make_settings(database: servers.TestDatabase, data_dir: Path, redis_db: int) -> Settings:
    return Settings(
        app_env="test",
        database_url=database.app_url,
        migration_database_url=database.owner_url,
        redis_url=f"{os.environ['TEST_REDIS_URL'].rpartition('/')[0]}/{redis_db}",
        data_dir=data_dir,
        bcrypt_rounds=4,
        ratelimit_enabled=False,
        log_level="error",
        database_pool_size=40,
    )


@pytest.fixture(scope="session")
def database(worker_number: int) -> Iterator[servers.TestDatabase]:
    with servers.database(f"payment_flow_test_{worker_number}") as made:
        yield made


@pytest.fixture(scope="session")
def settings(database: servers.TestDatabase, data_dir: Path, worker_number: int) -> Settings:
    return make_settings(database, data_dir, worker_number)


@pytest.fixture(scope="session")
def worker_app(settings: Settings) -> Iterator[Flask]:
    # The machine that runs the tests may be busy.
    pytest.MonkeyPatch().setattr(redis_client, "TIMEOUT_SECONDS", 1.0)
    # Rate limits are initialised, so that `rate_limited` can enable them.
    application = create_app(replace(settings, ratelimit_enabled=True))
    limiter.enabled = False
    yield application
    db.current().dispose()


@pytest.fixture(autouse=True)
def _process_state_is_restored() -> Iterator[None]:
    """Restore what a test configures, for instance by running a command.

    What the fixtures of a module or of the session configure stays: they run before this one.
    """
    # Subscriptions are in dictionaries and lists, which are copied too.
    before = {
        name: value.copy() if isinstance(value, dict | list) else value
        for name, value in process_state._values.items()
    }
    yield
    process_state._values.clear()
    process_state._values.update(before)


@contextmanager
def rolled_back(worker_app: Flask) -> Iterator[Flask]:
    """The application inside a transaction that is rolled back."""
    database = db.current()
    kinds = ("autocommit", "read_committed", "serializable", "snapshot")
    before = {kind: getattr(database, kind) for kind in kinds}
    in_transaction = database.engine.execution_options(isolation_level="READ COMMITTED")
    with in_transaction.connect() as connection:
        outer = connection.begin()
        inner = sessionmaker(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        vars(database).update(dict.fromkeys(kinds, inner))
        own_connection = nullcontext(connection.connection.driver_connection)
        database.borrowed = lambda: own_connection  # type: ignore[method-assign,assignment,return-value]
        clear_cache()
        try:
            with worker_app.app_context():
                yield worker_app
        finally:
            vars(database).update(before)
            del database.borrowed
            outer.rollback()


@pytest.fixture
def app(worker_app: Flask) -> Iterator[Flask]:
    """The application inside a transaction that is rolled back: fast, for most tests."""
    with rolled_back(worker_app) as application:
        yield application


def clear_cache() -> None:
    cache.client().flushdb()
    cache.client().publish("cache:products:changed", b"")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def clean_database(worker_number: int) -> Iterator[CleanDatabase]:
    database = CleanDatabase(f"payment_flow_commit_{worker_number}")
    yield database
    database.drop()


@pytest.fixture
def committing(worker_app: Flask, clean_database: CleanDatabase) -> Iterator[Flask]:
    """The application with real commits on a separate database: for threads and triggers."""
    kept = db.current()
    fresh = db.configure(Database(clean_database.take().app_url, pool_size=40))
    clear_cache()
    try:
        with worker_app.app_context():
            yield worker_app
    finally:
        fresh.dispose()
        db.configure(kept)


@pytest.fixture
def bank(
    worker_app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeBank]:
    """A bank that replaces the configured ones, with short timeouts."""
    monkeypatch.setattr(bank_client, "TIMEOUT", urllib3.Timeout(connect=1, read=0.3))
    quick = bank_client.RETRIES.new(backoff_jitter=0)
    monkeypatch.setattr(bank_client, "RETRIES", quick)
    with FakeBank.open() as opened:
        providers.configure(opened.providers)
        yield opened
        assert opened.violations == []
    providers.configure(providers.from_settings(settings))


@pytest.fixture
def rate_limited(app: Flask) -> Iterator[Flask]:
    """The application with rate limits enabled and counters reset."""
    limiter.enabled = True
    limiter.reset()
    yield app
    limiter.reset()
    limiter.enabled = False


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[[Slot[Any], Any], None]:
    """Call it with a slot and its value for the rest of the test."""

    def configure(slot: Slot[Any], value: object) -> None:
        monkeypatch.setitem(process_state._values, slot.name, value)

    return configure


@pytest.fixture
def change_settings(worker_app: Flask) -> Iterator[Callable[..., None]]:
    """Call it with settings that apply for the rest of the test."""
    kept = http.settings()

    def change(**settings: object) -> None:
        http.settings.configure(replace(http.settings(), **settings))

    yield change
    http.settings.configure(kept)


@pytest.fixture
def totp_clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The clock that two-factor codes are verified with."""
    clock = ManualClock()
    monkeypatch.setattr("app.auth.two_factor.service.clock", clock)
    return clock


@pytest.fixture
def live_server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    """The real server with two web processes, on its own port and database."""
    with (
        servers.database(f"payment_flow_live_{worker_number}") as made,
        LiveServer.start(settings, made, workers=2) as server,
    ):
        yield server
