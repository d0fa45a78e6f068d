"""Sample data for all tests of a module; each test rolls its changes back."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from app.administration.traffic import client as traffic
from app.common.db import transaction
from tests.conftest import clear_cache, rolled_back
from tests.fake_traffic import fake_traffic
from tests.operations.sample_requests import SampleData
from tests.savepoints import rolled_back_savepoint


@pytest.fixture(scope="module")
def module_app(worker_app: Flask) -> Iterator[Flask]:
    """The application inside a transaction that lasts as long as the module."""
    with rolled_back(worker_app) as application, fake_traffic() as (address, _):
        traffic.address.configure(address)
        with transaction() as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield application


@pytest.fixture(scope="module")
def data(module_app: Flask) -> SampleData:
    return SampleData(module_app.test_client())


@pytest.fixture
def app(module_app: Flask, data: SampleData) -> Iterator[Flask]:
    """The application with the unchanged sample data."""
    clear_cache()
    with rolled_back_savepoint():
        yield module_app
