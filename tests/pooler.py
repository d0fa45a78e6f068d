"""PgBouncer as deploy/pgbouncer configures it, before a database of the tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from bench import pooler as bench

#: Fewer than the connections to the pooler, so that these share them.
CONNECTIONS: Final = 8

needs_pgbouncer = pytest.mark.skipif(
    shutil.which("pgbouncer") is None,
    reason="PgBouncer is not installed: apt-get install pgbouncer",
)


@contextmanager
def pooler(url: str) -> Iterator[str]:
    """Run a pooler before the database at `url`. Yields the URL through it, with the same role."""
    with bench.pooler(url, connections=CONNECTIONS) as (through, _):
        yield through
