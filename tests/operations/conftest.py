"""One world for all tests of a module: each test undoes what it does."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from app.common.db import transaction
from tests.conftest import forget_cached, rolled_back
from tests.operations.sample_requests import World
from tests.undo import undone


@pytest.fixture(scope="module")
def module_app(worker_app: Flask) -> Iterator[Flask]:
    """The application inside a transaction that lasts as long as the module."""
    with rolled_back(worker_app) as application:
        with transaction() as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield application


@pytest.fixture(scope="module")
def world(module_app: Flask) -> World:
    return World(module_app.test_client())


@pytest.fixture
def app(module_app: Flask, world: World) -> Iterator[Flask]:
    """The application with the world as it was made."""
    forget_cached()
    with undone():
        yield module_app
