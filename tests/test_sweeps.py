"""Scheduled jobs read the rows that are due, however many others there are.

Only tables with UUIDs as keys become large, and rows that an index scan skips are not counted.
"""

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Column, Insert, Table, Uuid, func, insert, select, text, true

from app.common import db
from app.common.database import Database
from app.models import Base
from app.worker import JOBS
from tests import servers
from tests.clock import freeze_clock
from tests.conftest import rolled_back
from tests.verify.books import create_records, using_database, without_constraints

#: The jobs that look for what is due: not those that enqueue another job or handle one record.
SWEEPS: list[Any] = [
    job
    for job in JOBS
    if not inspect.signature(job).parameters and not job.__name__.startswith("enqueue")
]
#: Copies of each row, and the most rows that a job may read of a table.
COPIES, MAX_READ = 300, 100
#: By then the records are old. Before they are copied, the jobs handle what has become due.
LATER = datetime.now(UTC) + timedelta(days=100)

_READ = """
    SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS rows
    FROM pg_stat_xact_user_tables
"""


@pytest.fixture(scope="module")
def large(worker_app: Flask, worker_number: int) -> Iterator[servers.TestDatabase]:
    """A database with many records of every kind and status, none of which is due."""
    with servers.database(f"payment_flow_sweeps_{worker_number}") as made:
        with using_database(Database(made.app_url)), worker_app.app_context():
            create_records(worker_app)
            with pytest.MonkeyPatch.context() as patch:
                freeze_clock(patch, LATER)
                for job in SWEEPS * 2:  # some add what others delete
                    while job():
                        pass
        with without_constraints(made.owner_url) as connection:
            for table in Base.metadata.tables.values():
                if any(is_id(column) for column in table.columns):
                    connection.execute(copies_of(table))
            connection.commit()
        yield made


def copies_of(table: Table) -> Insert:
    """Inserts copies of each row with other ids."""
    columns = [column for column in table.columns if not (column.computed or column.identity)]
    values = [func.uuidv7() if is_id(column) else column for column in columns]
    numbers = func.generate_series(1, COPIES).table_valued("number")
    return insert(table).from_select(columns, select(*values).join_from(table, numbers, true()))


def is_id(column: Column[Any]) -> bool:
    return column.primary_key and isinstance(column.type, Uuid)


@pytest.mark.stress
@pytest.mark.parametrize("job", SWEEPS, ids=lambda job: f"{job.__module__}.{job.__name__}")
def test_a_job_reads_only_what_is_due(
    worker_app: Flask,
    large: servers.TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
    job: Callable[[], object],
) -> None:
    freeze_clock(monkeypatch, LATER)
    with using_database(Database(large.app_url)), rolled_back(worker_app):
        before = rows_read()
        job()
        read = {table: rows - before.get(table, 0) for table, rows in rows_read().items()}

    assert {table: rows for table, rows in read.items() if rows > MAX_READ} == {}


def rows_read() -> dict[str, int]:
    """The rows of each table that the transaction has read so far."""
    with db.reading() as session:
        return {row.relname: row.rows for row in session.execute(text(_READ))}
