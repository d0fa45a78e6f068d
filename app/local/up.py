"""`payment-flow up`: everything with one command, and nothing left when it ends."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from app.common.settings import PROJECT_ROOT, Settings
from app.local import processes, simulators
from app.local.embedded import EmbeddedError, PostgresServer, RedisServer, default_data_dir
from app.local.processes import FileLock

_READY_SECONDS = 60
_STOP_SECONDS = 30
_CRASHES_ALLOWED, _CRASH_WINDOW_SECONDS = 5, 60
_POLL_SECONDS = 0.1


class UpError(Exception):
    """It cannot run; the message is a sentence for a person, perhaps with the end of a log."""


class _Stop(BaseException):
    """Somebody wants us to end. Not an Exception: no handler of failures may swallow it."""


def up(settings: Settings, *, demo: bool, quiet: bool) -> int:
    """Run servers, migrations, web, worker and simulators until told to stop.

    It ends on SIGINT, SIGTERM and SIGHUP, and when its parent process dies. Returns the exit code.
    """
    data_dir = (settings.data_dir or default_data_dir(PROJECT_ROOT)).absolute()
    interrupt = _Interrupt()
    supervisor = _Supervisor(settings, data_dir, interrupt)
    with ExitStack() as cleanup:
        code = _run_until_stopped(supervisor, cleanup, demo=demo, quiet=quiet)
        interrupt.disarm()
    return code


def running_environment(data_dir: Path) -> dict[str, str]:
    """The environment of the instance that runs on this data folder; empty when none does.

    With it, other commands reach the embedded servers of a running `up`.
    """
    path = data_dir / "up.lock"
    if not path.exists():
        return {}
    lock = FileLock(path)
    try:
        environment: dict[str, str] = {} if lock.acquire() else json.loads(lock.read())["env"]
    finally:
        lock.release()
    return environment


def _run_until_stopped(
    supervisor: "_Supervisor", cleanup: ExitStack, *, demo: bool, quiet: bool
) -> int:
    try:
        with _progress(quiet) as show:
            supervisor.start(cleanup, show, demo=demo)
        _say(supervisor.address if quiet else supervisor.summary(demo=demo))
        supervisor.watch()
    except _Stop:
        if not quiet:
            _say("\nStopping …")
        return 0
    except (UpError, EmbeddedError, OSError) as error:
        _say(str(error), err=True)
        return 1


class _Interrupt:
    """Turns the first stop signal into _Stop and ignores what follows while we stop."""

    def __init__(self) -> None:
        self._armed = True
        self._parent = os.getppid()
        # Set explicitly: a shell starts background jobs with SIGINT ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        survives_terminal = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        if not survives_terminal:
            signal.signal(signal.SIGHUP, self._on_signal)
        # Whoever used nohup, setsid or a service manager wants us to survive the shell.
        detached = survives_terminal or os.getsid(0) == os.getpid() or self._parent == 1
        self._follows_parent = not detached

    def disarm(self) -> None:
        self._armed = False

    def pause(self, seconds: float = _POLL_SECONDS) -> None:
        """Sleep. Raises _Stop when the parent is gone: unlike a parent-death signal, looking
        works everywhere, and a thread of the parent that ends is not taken for its death."""
        if self._follows_parent and os.getppid() != self._parent:
            raise _Stop
        time.sleep(seconds)

    def _on_signal(self, *_: object) -> None:
        if self._armed:
            self._armed = False
            raise _Stop


class _Service:
    """A process of ours that is started again when it crashes."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str]):
        self.name = name
        self.log = log
        self._command = command
        self._env = env
        self._crashes: deque[float] = deque(maxlen=_CRASHES_ALLOWED + 1)
        self._start_at: float | None = None
        self.process = _launch(command, log=log, env=env)

    def check(self) -> None:
        """Start it again when it ended. Raises UpError when it does so too often."""
        now = time.monotonic()
        if self._start_at is not None:
            if now >= self._start_at:
                self._start_at = None
                self.process = _launch(self._command, log=self.log, env=self._env)
        elif self.process.poll() is not None:
            processes.kill_group(self.process)
            self._crashes.append(now)
            recent = sum(now - crash < _CRASH_WINDOW_SECONDS for crash in self._crashes)
            if recent > _CRASHES_ALLOWED:
                raise UpError(f"`{self.name}` ends again and again. {_log_tail(self.log)}")
            delay = 0.5 * 2 ** (recent - 1)
            self._start_at = now + delay
            _say(
                f"`{self.name}` ended unexpectedly ({_exit(self.process)}); "
                f"starting it again in {delay:g} s. {_log_tail(self.log)}",
                err=True,
            )


class _Supervisor:
    def __init__(self, settings: Settings, data_dir: Path, interrupt: _Interrupt) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._interrupt = interrupt
        self._servers: dict[str, PostgresServer | RedisServer] = {}
        self._services: list[_Service] = []
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - shown, not bound
        self.address = f"http://{host}:{settings.port}"
        self._simulators = simulators.needed(settings)

    def start(self, cleanup: ExitStack, show: Callable[[str], None], *, demo: bool) -> None:
        """Bring everything up; what was started is stopped by `cleanup`, in reverse order."""
        lock = self._claim(cleanup)
        _require_free(self._settings.host, self._settings.port, setting="PORT")
        for each in self._simulators:
            _require_free(simulators.HOST, each.port, setting=each.setting)
        env = self._start_servers(cleanup, show)
        lock.note(json.dumps({"address": self.address, "pid": os.getpid(), "env": env}))
        everything = {**os.environ, **env}
        show("Preparing the database …")
        self._run(["migrate"], everything)
        if demo:
            show("Loading demo data …")
            self._run(["demo", "--if-empty"], everything)
        show("Starting the application …")
        cleanup.callback(_stop_services, self._services)
        for word, log in (("serve", "web.log"), ("worker", "worker.log")):
            command = ["app.cli", word]
            self._services.append(_Service(word, command, self._logs / log, everything))
        for each in self._simulators:
            log_of_it = self._logs / f"{each.name}.log"
            self._services.append(_Service(each.name, [each.module], log_of_it, everything))
        self._wait_until_ready()

    def watch(self) -> NoReturn:
        """Keep everything running. Ends only by an exception: _Stop or UpError."""
        while True:
            self._interrupt.pause()
            for name, server in self._servers.items():
                if not server.alive:
                    raise UpError(f"{name} ended unexpectedly. {_log_tail(server.log)}")
            for service in self._services:
                service.check()

    def summary(self, *, demo: bool) -> str:
        """Where everything is."""
        places = {
            "API": self.address + self._settings.api_prefix,
            "Swagger UI": f"{self.address}/api/docs",
            "ReDoc": f"{self.address}/api/redoc",
            "Health": f"{self.address}/health/ready",
            **{each.name.title(): each.url for each in self._simulators},
            "Data": self._data_dir,
            "Logs": f"{self._logs}{os.sep}",
        }
        lines = ["Payment Flow is running.", ""]
        lines += [f"  {name:<12}{place}" for name, place in places.items()]
        log_ins = self._data_dir / "demo-logins.txt"
        if demo and log_ins.exists():
            lines += ["", log_ins.read_text().rstrip()]
        return "\n".join([*lines, "", "Press Ctrl-C to stop."])

    @property
    def _logs(self) -> Path:
        return self._data_dir / "logs"

    def _claim(self, cleanup: ExitStack) -> FileLock:
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._logs.mkdir(mode=0o700, exist_ok=True)
            lock = FileLock(self._data_dir / "up.lock")
        except OSError as error:
            raise UpError(
                f"Cannot keep data in {self._data_dir} ({error.strerror}); "
                "set DATA_DIR to a folder that can be written to."
            ) from error
        cleanup.callback(lock.release)
        if not lock.acquire():
            other = json.loads(lock.read() or "{}")
            raise UpError(
                f"Payment Flow is already running at {other.get('address', self.address)} "
                f"(pid {other.get('pid', 'unknown')})."
            )
        lock.note(json.dumps({"address": self.address, "pid": os.getpid(), "env": {}}))
        return lock

    def _start_servers(self, cleanup: ExitStack, show: Callable[[str], None]) -> dict[str, str]:
        """Start what no URL is configured for; returns what the other processes must know."""
        env = {
            "HOST": self._settings.host,
            "PORT": str(self._settings.port),
            "DATA_DIR": str(self._data_dir),
        }
        if self._settings.database_url is None:
            show("Starting PostgreSQL …")
            postgres = PostgresServer.start(self._data_dir)
            cleanup.callback(postgres.stop)
            self._servers["PostgreSQL"] = postgres
            env["DATABASE_URL"] = postgres.app_url
            env["MIGRATION_DATABASE_URL"] = postgres.owner_url
        if self._settings.redis_url is None:
            show("Starting Redis …")
            redis = RedisServer.start(self._data_dir)
            cleanup.callback(redis.stop)
            self._servers["Redis"] = redis
            env["REDIS_URL"] = redis.url
        settings = replace(self._settings, data_dir=self._data_dir)
        env |= simulators.environment(settings, api=f"{self.address}{settings.api_prefix}")
        return env

    def _run(self, words: list[str], env: Mapping[str, str]) -> None:
        """Run a command of ours to its end. Raises UpError when it fails."""
        log = self._logs / "setup.log"
        process = _launch(["app.cli", *words], log=log, env=env)
        try:
            while process.poll() is None:
                self._interrupt.pause(0.02)
        finally:
            processes.stop(process, signal.SIGTERM, patience=10)
        if process.returncode != 0:
            last = processes.tail(log, lines=1)
            if last and last[0].startswith("Error: "):  # a sentence of ours says it all
                raise UpError(last[0].removeprefix("Error: "))
            raise UpError(f"`{' '.join(words)}` failed. {_log_tail(log)}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._all_answer():
            for service in self._services:
                if service.process.poll() is not None:
                    raise UpError(f"`{service.name}` does not start. {_log_tail(service.log)}")
            if time.monotonic() > deadline:
                web = self._services[0]
                raise UpError(
                    f"The application is not ready after {_READY_SECONDS} s. {_log_tail(web.log)}"
                )
            self._interrupt.pause()

    def _all_answer(self) -> bool:
        return _answers(f"{self.address}/health/ready") and all(
            _answers(f"{each.url}/health") for each in self._simulators
        )


def _launch(
    command: Sequence[str], *, log: Path, env: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start one of our modules. command: its name and its arguments."""
    return processes.launch(
        [sys.executable, "-m", *command],
        log=log,
        death_signal=signal.SIGTERM,
        cwd=PROJECT_ROOT,
        env=env,
    )


def _stop_services(services: list[_Service]) -> None:
    """Let requests and jobs in progress finish, all services at the same time."""
    for service in services:
        service.process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for service in services:
        with suppress(subprocess.TimeoutExpired):
            service.process.wait(max(0, deadline - time.monotonic()))
        processes.kill_group(service.process)


def _require_free(host: str, port: int, *, setting: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UpError(
                f"Port {port} of {host} is in use by another program; "
                f"choose another with {setting}."
            ) from error
        raise UpError(f"Cannot listen on port {port} of {host}: {error.strerror}.") from error


def _answers(url: str) -> bool:
    # Without proxies: http_proxy is not meant for this machine itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def _exit(process: "subprocess.Popen[bytes]") -> str:
    code = process.returncode
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _log_tail(log: Path) -> str:
    lines = "".join(f"\n  {line}" for line in processes.tail(log, lines=8))
    return f"The end of {log}:{lines}"


def _say(text: str, *, err: bool = False) -> None:
    # The terminal may be closed by now, and that must not keep us from stopping in order.
    with suppress(OSError):
        click.echo(text, err=err)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Shows on one line what is going on, when somebody looks."""
    console = Console()
    if quiet or not console.is_terminal:
        yield lambda _: None
    else:
        with console.status("Starting …") as status:
            yield status.update
