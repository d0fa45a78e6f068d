"""A server of one's own, from its first backup to purchases after its restore: by the commands that
an operator runs."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import redis
from sqlalchemy import make_url

from app.common.settings import PROJECT_ROOT, Settings
from app.local.embedded import PostgresServer
from tests.live import PASSWORD, LiveServer, order, wait_until
from tests.local.helpers import folder
from tests.ports import unused_port
from tests.servers import TestDatabase, migrate_database

pytestmark = [pytest.mark.stress, pytest.mark.embedded]

API = "/api/v1"


class OwnServer:
    """PostgreSQL as an operator runs it: a data directory, its user, and `pg_ctl`."""

    def __init__(self, like: PostgresServer) -> None:
        process = psutil.Process(like.pid)
        self._pg_ctl = Path(process.exe()).with_name("pg_ctl")
        self._user, self._group = process.uids().real, process.gids().real
        self.port = unused_port()

    @contextmanager
    def started(self, cluster: Path) -> Iterator[None]:
        for path in (cluster.parent, *cluster.parent.rglob("*")):
            os.chown(path, self._user, self._group)
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        log = cluster / "server.log"
        self._run(cluster, "start", f"--log={log}", "--timeout=120", f"--options={options}")
        is_ready = [self._pg_ctl.with_name("pg_isready"), "--quiet", "--host=127.0.0.1"]
        is_ready.append(f"--port={self.port}")
        try:
            # It refuses connections while it recovers.
            wait_until(lambda: subprocess.run(is_ready).returncode == 0, seconds=120)
            yield
        finally:
            self._run(cluster, "stop", "--mode=fast")

    def _run(self, cluster: Path, command: str, *options: str) -> None:
        as_its_user = {"user": self._user, "group": self._group} if os.geteuid() == 0 else {}
        subprocess.run(
            [self._pg_ctl, command, f"--pgdata={cluster}", "--wait", *options],
            cwd=cluster, stdout=subprocess.DEVNULL, check=True, **as_its_user,
        )  # fmt: skip


@contextmanager
def archiving(server: LiveServer) -> Iterator[None]:
    """The service that archives all the time. What was received when it is stopped is archived."""
    assert not is_archived(server)
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "backup", "archive"],
        env=server.environment,
        cwd=PROJECT_ROOT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_archived(server), seconds=120)
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0


def is_archived(server: LiveServer) -> bool:
    return server.cli("backup", "check").returncode == 0


def command(server: LiveServer, *arguments: str) -> str:
    result = server.cli(*arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def buy(server: LiveServer, token: str, product: str) -> str:
    answer = server.call("POST", f"{API}/orders", order(product), token=token)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def status_of(server: LiveServer, path: str, token: str) -> int:
    return server.call("GET", API + path, token=token).status


def moved(server: LiveServer, port: int) -> LiveServer:
    """The same application on a server at another port."""

    def at(url: str) -> str:
        return make_url(url).set(port=port).render_as_string(hide_password=False)

    database = server.database
    urls = {name: url for name, url in server.environment.items() if name.endswith("DATABASE_URL")}
    return replace(
        server,
        database=TestDatabase(at(database.owner_url), at(database.app_url), at(database.admin_url)),
        environment=server.environment | {name: at(url) for name, url in urls.items()},
    )


@pytest.mark.parametrize("is_exact", [True, False])
def test_a_restored_server_of_ones_own_sells_on(settings: Settings, is_exact: bool) -> None:
    with folder() as made:
        postgres = PostgresServer.start(made / "lost", settings={"summarize_wal": "on"})
        own = OwnServer(postgres)
        database = TestDatabase(postgres.owner_url, postgres.app_url, postgres.superuser_url)
        try:
            migrate_database(database)
            (made / "data").mkdir()
            backups = {
                "DATA_DIR": str(made / "data"),
                "BACKUP_DIR": str(made / "backups"),
                "BACKUP_KEYS": "Z3vQ8mT1xK6nR4bW9cJ2hL7pF5sD0gYa",
                "BACKUP_DATABASE_URL": postgres.backup_url,
            }
            with LiveServer.start(settings, database, workers=1, **backups) as server:
                merchant = server.sign_up("merchant", role="MERCHANT")
                product = server.create_product(merchant, price="1.00", units=10)
                with archiving(server):
                    wait_until(lambda: server.cli("backup", "verify").returncode == 0, seconds=120)
                    buyer = server.sign_up("buyer", balance="10.00")
                    kept = buy(server, buyer, product)
                    time.sleep(0.1)
                    moment = datetime.now(UTC)
                    time.sleep(0.1)
                    later = buy(server, buyer, product)
        finally:
            postgres.stop()

        words = ("--to", moment.isoformat()) if is_exact else ()
        said = command(server, "restore", *words, "--into", str(made / "restored"))
        redis.Redis.from_url(str(settings.redis_url)).flushdb()
        cluster = made / "restored" / "cluster"
        with own.started(cluster):
            restored = moved(server, own.port)
            assert "# for the restore" not in (cluster / "postgresql.auto.conf").read_text()
            command(restored, "migrate")
            (since,) = re.findall(r"`\S+ (after-restore --since \S+)`", said)
            assert "Ended 2 sessions" in command(restored, *since.split())
            assert "correct" in command(restored, "verify")
            with restored.restarted() as shop:
                assert status_of(shop, "/wallet", buyer) == 401
                account = {"email": "buyer@example.com", "password": PASSWORD}
                token = shop.call("POST", f"{API}/auth/login", account).json["accessToken"]
                assert status_of(shop, f"/orders/{kept}", token) == 200
                assert status_of(shop, f"/orders/{later}", token) == (404 if is_exact else 200)
                with archiving(restored):
                    buy(shop, token, product)
                    command(restored, "backup", "--full")
                    command(restored, "backup", "verify")
            assert "correct" in command(restored, "verify")
