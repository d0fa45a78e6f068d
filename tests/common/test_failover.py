"""Connections to PostgreSQL while a standby takes the place of the primary."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app.common import connections, db
from app.common.database import Database
from app.common.db import fetch_one, reading, retry_transaction, transaction
from tests.live import wait_until
from tests.standby import Pair, pair

pytestmark = pytest.mark.embedded

PID = "SELECT pg_backend_pid()"


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    with pair() as servers:
        yield servers


@pytest.fixture
def database(servers: Pair) -> Iterator[Database]:
    """The database of this process, whose URL names both servers."""
    database = db.configure(Database(servers.url, pool_size=5))
    yield database
    database.dispose()


def port() -> int:
    """The port of the server that answers a read."""
    with reading() as session:
        return int(session.scalar(text("SELECT inet_server_port()")) or 0)


def pids(database: Database) -> set[int]:
    """The backends of all connections of the process, each opened if it is not yet."""
    with ExitStack() as cleanup:
        sessions = [database.autocommit() for _ in range(3)]
        sessions += [database.serializable() for _ in range(2)]
        for session in sessions:
            cleanup.callback(session.close)
        return {int(session.scalar(text(PID)) or 0) for session in sessions}


def test_a_standby_is_refused(servers: Pair) -> None:
    url = make_url(servers.standby.app_url).set(drivername="postgresql+psycopg")
    alone = Database(url.render_as_string(hide_password=False))

    with pytest.raises(DBAPIError, match="is a standby") as error, alone.autocommit() as session:
        session.execute(text("SELECT 1"))

    assert db.is_temporary(error.value)
    alone.dispose()


def test_of_several_hosts_the_primary_is_used(servers: Pair, database: Database) -> None:
    assert port() == servers.primary.port
    with connections.listen(servers.url, "news") as listening:
        assert listening.info.port == servers.primary.port

    servers.switch()

    assert port() == servers.primary.port
    with connections.listen(servers.url, "news") as listening:
        assert listening.info.port == servers.primary.port
        with transaction() as session:
            session.execute(text("SELECT pg_notify('news', 'arrived')"))
        assert [each.payload for each in listening.notifies(timeout=5, stop_after=1)] == ["arrived"]


class TestReadOnly:
    """A server that refuses to write, as a former primary does behind a pooler."""

    @pytest.fixture(autouse=True)
    def _server_writes_again(self, servers: Pair, database: Database) -> Iterator[None]:
        yield
        self.refuse_writes(servers, "off")

    def refuse_writes(self, servers: Pair, value: str = "on") -> None:
        servers.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        servers.execute("SELECT pg_reload_conf()")
        wait_until(lambda: fetch_one("SHOW default_transaction_read_only", {}) == (value,))

    def test_every_connection_is_replaced(self, servers: Pair, database: Database) -> None:
        before = pids(database)
        assert pids(database) == before
        self.refuse_writes(servers)

        attempts = 0

        def write(session: db.Session) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 2:
                self.refuse_writes(servers, "off")
            session.execute(text("SELECT lo_create(0)"))

        retry_transaction(write)

        assert attempts > 1
        assert not pids(database) & before

    def test_also_those_that_have_only_read(self, servers: Pair, database: Database) -> None:
        before = pids(database)
        self.refuse_writes(servers)
        with pytest.raises(DBAPIError) as error:
            fetch_one("SELECT lo_create(0)", {})
        assert db.is_temporary(error.value)
        with pytest.raises(DBAPIError), reading() as session:
            session.execute(text("SELECT lo_create(0)"))

        assert not pids(database) & before
