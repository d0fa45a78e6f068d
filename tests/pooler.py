"""PgBouncer as deploy/pgbouncer configures it, before a database of the tests."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
import pytest
from sqlalchemy import make_url

from app.common.settings import PROJECT_ROOT
from tests.live import wait_until
from tests.ports import unused_port

_CONFIGURATION: Final = PROJECT_ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini"
#: Fewer than the connections to the pooler, so that these share them.
CONNECTIONS: Final = 8

needs_pgbouncer = pytest.mark.skipif(
    shutil.which("pgbouncer") is None,
    reason="PgBouncer is not installed: apt-get install pgbouncer",
)


@contextmanager
def pooler(url: str) -> Iterator[str]:
    """Run a pooler before the database at `url`. Yields the URL through it, with the same role."""
    with TemporaryDirectory(prefix="payment-flow-pooler-") as name:
        Path(name).chmod(0o755)  # as root, PgBouncer runs as another user
        yield from _run(url, Path(name))


def _run(url: str, folder: Path) -> Iterator[str]:
    target = make_url(url)
    port = unused_port()
    (folder / "users").write_text(f'"{target.username}" "{target.password}"\n')
    text = _CONFIGURATION.read_text()
    text = re.sub(r"host=\S+ port=\d+", f"host={target.host} port={target.port}", text)
    text = text.replace("dbname=payment_flow", f"dbname={target.database}")
    for name, value in {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "auth_file": folder / "users",
        "default_pool_size": CONNECTIONS,
    }.items():
        text, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
        assert count == 1, name
    # Versions before 1.21 do not know it; they are what DATABASE_PREPARE_THRESHOLD=0 is for.
    text = re.sub(r"(?m)^max_prepared_statements.*$", "", text)
    (folder / "pgbouncer.ini").write_text(f"{text}unix_socket_dir =\n")
    as_other = ["-u", "nobody"] if os.geteuid() == 0 else []
    with (folder / "pgbouncer.log").open("a") as log:
        process = subprocess.Popen(
            ["pgbouncer", *as_other, str(folder / "pgbouncer.ini")], stdout=log, stderr=log
        )
    through = target.set(host="127.0.0.1", port=port, database="payment_flow")
    made = through.render_as_string(hide_password=False)
    try:
        wait_until(lambda: _answers(made))
        yield made
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg.connect(plain, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
