"""Many cases in the same world."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.common import db


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what happens inside, so that every case of a property meets the same world."""
    savepoint = db.current().read_committed.kw["bind"].begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
