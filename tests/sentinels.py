"""A Redis and its replica, which three Sentinels watch."""

import secrets
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import redis

from app.local.embedded import redis as redis_server
from app.local.embedded.redis import ACL
from tests.live import wait_until
from tests.ports import unused_port

NAME: Final = "payments"
_PASSWORDS: Final = {user: secrets.token_hex(8) for user in ("default", *ACL)}


class Sentinels:
    """The servers. Ends the primary or brings it back on request."""

    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self._folder = folder
        self._cleanup = cleanup
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._ports = [unused_port(), unused_port()]
        self._sentinels = [unused_port() for _ in range(3)]
        for port in self._ports:
            self._start(port, _server(port, primary=self._ports[0]))
        for port in self._sentinels:
            self._start(port, _sentinel(port, primary=self._ports[0]), "--sentinel")
        wait_until(lambda: all(self._is_watched_by(port) for port in self._sentinels))

    def url_of(self, user: str) -> str:
        """A URL as the settings have it. user: `default` or one of ACL."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinels)
        return f"redis+sentinel://{user}:{_PASSWORDS[user]}@{hosts}/{NAME}/0"

    @property
    def primary(self) -> int:
        """The port of the server that most Sentinels take for the primary."""
        found = [self._ask(port)["port"] for port in self._sentinels]
        return max(found, key=found.count)

    def client(self, port: int) -> redis.Redis:
        """A client of one of the servers."""
        return redis.Redis(port=port, username="default", password=_PASSWORDS["default"])

    def kill(self) -> int:
        """Kill the primary. Returns its port."""
        port = self.primary
        self._processes[port].kill()
        self._processes[port].wait()
        return port

    def pause(self) -> int:
        """Have the primary hang, as if the network were cut off. Returns its port."""
        port = self.primary
        self._processes[port].send_signal(signal.SIGSTOP)
        return port

    def resume(self, port: int) -> None:
        self._processes[port].send_signal(signal.SIGCONT)

    def wait_for_another(self, port: int) -> None:
        """Wait until another server than that at `port` is the primary."""
        wait_until(lambda: self.primary != port and self._role(self.primary) == "master")

    def _start(self, port: int, configuration: Sequence[str], *options: str) -> None:
        path = self._folder / f"{port}.conf"
        path.write_text("\n".join([f"port {port}", "bind 127.0.0.1", *configuration, ""]))
        program = redis_server.program()
        with (self._folder / f"{port}.log").open("a") as log:
            process = subprocess.Popen(
                [program.root / program.executable, path, *options],
                stdout=log,
                cwd=self._folder,
            )
        self._processes[port] = process
        self._cleanup.callback(process.wait)
        self._cleanup.callback(process.kill)

    def _ask(self, port: int) -> dict[str, int]:
        with redis.Redis(port=port) as sentinel:
            return sentinel.sentinel_master(NAME)  # type: ignore[return-value]

    def _role(self, port: int) -> str:
        with self.client(port) as server:
            return str(server.info("replication")["role"])

    def _is_watched_by(self, port: int) -> bool:
        try:
            found = self._ask(port)
        except redis.ConnectionError:
            return False
        return found["num-slaves"] == 1 and found["num-other-sentinels"] == 2


def _server(port: int, *, primary: int) -> list[str]:
    rules = {"default": ("~*", "&*", "+@all"), **ACL}
    return [
        *(f"user {user} on >{_PASSWORDS[user]} {' '.join(rule)}" for user, rule in rules.items()),
        f"masterauth {_PASSWORDS['default']}",
        "repl-diskless-sync yes",
        "repl-diskless-sync-delay 0",
        'save ""',
        *([f"replicaof 127.0.0.1 {primary}"] if port != primary else []),
    ]


def _sentinel(port: int, *, primary: int) -> list[str]:
    return [
        f"sentinel monitor {NAME} 127.0.0.1 {primary} 2",
        f"sentinel auth-pass {NAME} {_PASSWORDS['default']}",
        f"sentinel down-after-milliseconds {NAME} 500",
        f"sentinel failover-timeout {NAME} 3000",
    ]


@contextmanager
def sentinels(folder: Path) -> Iterator[Sentinels]:
    """Start all five, and kill them when the block ends."""
    with ExitStack() as cleanup:
        yield Sentinels(folder, cleanup)
