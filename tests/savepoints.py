"""Many cases with the same data."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.common import db


@contextmanager
def rolled_back_savepoint() -> Iterator[None]:
    """Roll back the changes of the block, so that every case begins with the same data."""
    savepoint = db.current().read_committed.kw["bind"].begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
