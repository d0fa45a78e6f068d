"""`payment-flow up`: starts everything with one command, and stops all of it at the end."""

import errno
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click
import psycopg

from app.common.backup_settings import SLOT
from app.common.schema_version import newest_revision, read_revision
from app.common.settings import Settings, read_variables
from app.local import processes, simulators
from app.local.embedded import EmbeddedError, PostgresServer, RedisServer
from app.local.processes import FileLock
from app.local.progress import Progress, shown_progress
from app.local.running import BACKUP_SETTINGS, BACKUP_URL, LOCK_NAME, OWNER_URL, RESTORED_NAME
from app.local.supervision import LogRotation, Service, SupervisedServer, launch, log_tail

_STOP_SECONDS = 30
_POLL_SECONDS = 0.1

#: Parameters of a server that is archived. Incremental backups need summaries of the log; what is
#: not archived for long must not fill the disk.
_ARCHIVED = {"summarize_wal": "on", "max_slot_wal_keep_size": "16GB"}


class UpError(Exception):
    """It cannot run. The message is for the operator and may include the end of a log."""


class _Stop(BaseException):
    """A request to stop. Not an Exception, so that no error handler catches it."""


def up(settings: Settings, *, demo: bool, quiet: bool) -> int:
    """Run servers, migrations, web, worker and simulators until stopped.

    Stops on SIGINT, SIGTERM and SIGHUP, and when the parent process dies. Returns the exit code.
    """
    data_dir = settings.data_folder.absolute()
    interrupt = _Interrupt()
    supervisor = _Supervisor(settings, data_dir, interrupt)
    with ExitStack() as cleanup:
        code = _run_until_stopped(supervisor, cleanup, demo=demo, quiet=quiet)
        interrupt.disarm()
    return code


def _run_until_stopped(
    supervisor: "_Supervisor", cleanup: ExitStack, *, demo: bool, quiet: bool
) -> int:
    try:
        with shown_progress(report=_report, quiet=quiet) as progress:
            supervisor.start(cleanup, progress, demo=demo)
        _echo(supervisor.address if quiet else supervisor.summary(demo=demo))
        supervisor.watch()
    except _Stop:
        if not quiet:
            _echo("\nStopping …")
        return 0
    except (UpError, EmbeddedError, OSError) as error:
        _echo(f"Error: {error}", err=True)
        return 1


class _Interrupt:
    """Turns the first stop signal into _Stop and ignores further ones."""

    def __init__(self) -> None:
        self._armed = True
        self._parent = os.getppid()
        # Set explicitly: a shell starts background jobs with SIGINT ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        survives_terminal = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        if not survives_terminal:
            signal.signal(signal.SIGHUP, self._on_signal)
        # With nohup, setsid or a service manager, we outlive the shell on purpose.
        detached = survives_terminal or os.getsid(0) == os.getpid() or self._parent == 1
        self._follows_parent = not detached

    def disarm(self) -> None:
        self._armed = False

    def pause(self, seconds: float = _POLL_SECONDS) -> None:
        """Sleep. Raises _Stop if the parent has died: unlike a parent-death signal, polling works
        on all systems and is not triggered by the end of a thread of the parent."""
        if self._follows_parent and os.getppid() != self._parent:
            raise _Stop
        time.sleep(seconds)

    def _on_signal(self, *_: object) -> None:
        if self._armed:
            self._armed = False
            raise _Stop


class _Supervisor:
    def __init__(self, settings: Settings, data_dir: Path, interrupt: _Interrupt) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._interrupt = interrupt
        self._servers: dict[str, PostgresServer | RedisServer] = {}
        self._services: list[Service] = []
        self._rotation = LogRotation(self._running_logs)
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - shown, not bound
        self.address = f"http://{host}:{settings.port}"
        self._live_address = f"http://{host}:{settings.live_port}"
        self._simulators = simulators.needed(settings)

    def start(self, cleanup: ExitStack, progress: Progress, *, demo: bool) -> None:
        """Start everything. `cleanup` stops it in reverse order.

        It takes as long as it needs: no step has a time limit while its processes live.
        """
        self._progress = progress
        show = progress.show
        lock = self._acquire_lock(cleanup)
        _require_free(self._settings.host, self._settings.port, setting="PORT")
        _require_free(self._settings.host, self._settings.live_port, setting="LIVE_PORT")
        for simulator in self._simulators:
            for setting, port in simulator.ports.items():
                _require_free(simulators.HOST, port, setting=setting)
        env = self._start_servers(cleanup, show)
        lock.write(json.dumps({"address": self.address, "pid": os.getpid(), "env": env}))
        # With `.env`, because our processes have another working directory.
        everything = {**read_variables(), **env}
        # Only `migrate` changes tables, `demo` creates an administrator, and `backup` copies all.
        # Empty, so that it overrides a line of `.env`, too.
        unprivileged = {**everything, OWNER_URL: "", **dict.fromkeys(BACKUP_SETTINGS, "")}
        # A restart does not wait for what is there already: `migrate` then only grants again.
        is_current = self._has_current_schema(env)
        if not is_current:
            show("Migrating the database")
            self._run(["migrate"], everything, reports=True)
        show("Starting web, worker and live")
        cleanup.callback(_stop_services, self._services)
        commands = {
            "web": ["app.cli", "serve"],
            "worker": ["app.cli", "worker"],
            "live": ["app.cli", "live"],
        }
        commands |= {simulator.name: [simulator.module] for simulator in self._simulators}
        for name, command in commands.items():
            log = self._logs / f"{name}.log"
            self._services.append(Service(name, command, log, unprivileged, _report))
        if (folder := self._settings.backup_dir) is not None:
            log = self._logs / "backup.log"
            archive = {**everything, OWNER_URL: "", "BACKUP_DIR": str(folder.absolute())}
            self._services.append(
                Service("backup", ["app.cli", "backup", "archive"], log, archive, _report)
            )
        if is_current:
            self._run(["migrate"], everything)
        if demo:
            show("Loading demo data")
            self._run(["demo", "--if-empty"], everything)
        show("Waiting for the web process")
        self._wait_until_ready()
        self._follow_up_restore(unprivileged)

    def _follow_up_restore(self, env: Mapping[str, str]) -> None:
        """Fetch what banks and the gateway have reported since the moment that was restored."""
        restored = self._data_dir / RESTORED_NAME
        if restored.exists():
            self._progress.show("Fetching events since the restored moment")
            since = json.loads(restored.read_text())["since"]
            try:
                self._run(["after-restore", "--since", since], env)
                restored.unlink()
            except UpError as error:  # again with the next start
                _report(str(error))

    def watch(self) -> NoReturn:
        """Restart what ends, and rotate logs. Raises _Stop."""
        servers = [
            SupervisedServer(name, server, _report) for name, server in self._servers.items()
        ]
        while True:
            self._interrupt.pause()
            # Servers first: the others need them.
            for each in (*servers, *self._services):
                each.check()
            self._rotation.check()

    def _running_logs(self) -> list[Path]:
        return [each.log for each in (*self._servers.values(), *self._services)]

    def summary(self, *, demo: bool) -> str:
        """The addresses and folders of everything."""
        addresses = {
            "API": self.address + self._settings.api_prefix,
            "Swagger UI": f"{self.address}/api/docs",
            "ReDoc": f"{self.address}/api/redoc",
            "Health": f"{self.address}/health/ready",
            "Live": self._live_address,
            **{simulator.name.title(): simulator.url for simulator in self._simulators},
            "Data": self._data_dir,
            "Logs": f"{self._logs}{os.sep}",
        }
        lines = ["Payment Flow is running.", ""]
        lines += [f"  {name:<12}{address}" for name, address in addresses.items()]
        credentials = self._data_dir / "demo-logins.txt"
        if demo and credentials.exists():
            lines += ["", credentials.read_text().rstrip()]
        return "\n".join([*lines, "", "Press Ctrl-C to stop."])

    @property
    def _logs(self) -> Path:
        return self._data_dir / "logs"

    def _acquire_lock(self, cleanup: ExitStack) -> FileLock:
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._logs.mkdir(mode=0o700, exist_ok=True)
            lock = FileLock(self._data_dir / LOCK_NAME)
        except OSError as error:
            raise UpError(
                f"Cannot keep data in {self._data_dir} ({error.strerror}); "
                "set DATA_DIR to a writable folder."
            ) from error
        cleanup.callback(lock.release)
        if not lock.acquire():
            other = json.loads(lock.read() or "{}")
            raise UpError(
                f"Payment Flow is already running at {other.get('address', self.address)} "
                f"(pid {other.get('pid', 'unknown')})."
            )
        lock.write(json.dumps({"address": self.address, "pid": os.getpid(), "env": {}}))
        return lock

    def _start_servers(self, cleanup: ExitStack, show: Callable[[str], None]) -> dict[str, str]:
        """Start the servers without a configured URL. Returns the environment of our processes."""
        env = {
            "HOST": self._settings.host,
            "PORT": str(self._settings.port),
            "LIVE_PORT": str(self._settings.live_port),
            "DATA_DIR": str(self._data_dir),
        }
        if self._settings.files_dir is not None:
            env["FILES_DIR"] = str(self._settings.files_dir.absolute())
        if self._settings.database_url is None:
            show("Starting PostgreSQL")
            is_archived = self._settings.backup_dir is not None
            postgres = PostgresServer.start(
                self._data_dir, settings=_ARCHIVED if is_archived else {}
            )
            self._stop_at_end(postgres, "PostgreSQL", cleanup)
            if not is_archived:  # any more
                postgres.drop_slot(SLOT)
            env["DATABASE_URL"] = postgres.app_url
            env[OWNER_URL] = postgres.owner_url
            env[BACKUP_URL] = postgres.backup_url
        if self._settings.redis_url is None:
            show("Starting Redis")
            redis = RedisServer.start(self._data_dir)
            self._stop_at_end(redis, "Redis", cleanup)
            env["REDIS_URL"] = redis.url_of("queue")
            env["REDIS_CACHE_URL"] = redis.url_of("cache")
            env["REDIS_LIMITS_URL"] = redis.url_of("limits")
        settings = replace(self._settings, data_dir=self._data_dir)
        env |= simulators.environment(settings, api=f"{self.address}{settings.api_prefix}")
        return env

    def _has_current_schema(self, env: Mapping[str, str]) -> bool:
        owner_url = env.get(OWNER_URL) or self._settings.migration_database_url
        url = owner_url or self._settings.database_url
        try:
            return url is not None and read_revision(url) == newest_revision()
        except psycopg.Error:
            return False

    def _stop_at_end(
        self, server: PostgresServer | RedisServer, name: str, cleanup: ExitStack
    ) -> None:
        cleanup.callback(server.stop)
        self._servers[name] = server

    def _run(self, arguments: list[str], env: Mapping[str, str], *, reports: bool = False) -> None:
        """Run one of our commands to its end. reports: whether each line of its output says how far
        it is. Raises UpError if it fails."""
        log = self._logs / "setup.log"
        since = log.stat().st_size if log.exists() else 0
        process = launch(["app.cli", *arguments], log=log, env=env)
        try:
            while process.poll() is None:
                self._require_servers()
                last = processes.tail(log, lines=1, since=since) if reports else []
                self._progress.detail(*last)
                self._interrupt.pause(0.02)
        finally:
            processes.stop(process, signal.SIGTERM, timeout=10)
        if process.returncode != 0:
            last = processes.tail(log, lines=1)
            if last and last[0].startswith("Error: "):  # one of our own messages
                raise UpError(last[0].removeprefix("Error: "))
            raise UpError(f"`{' '.join(arguments)}` failed. {log_tail(log)}")

    def _wait_until_ready(self) -> None:
        """Wait as long as the processes live: the first start on a busy machine takes long.

        Worker and simulators are restarted if they end. The application works without simulators,
        so one that has ended is waited for no longer. Raises UpError.
        """
        web, *others = self._services
        while not _is_healthy(f"{self.address}/health/ready"):
            self._pause_while_starting(web, others)
        named = {service.name: service for service in others}
        for simulator in self._simulators:
            while not (named[simulator.name].has_ended or _is_healthy(f"{simulator.url}/health")):
                self._pause_while_starting(web, others)

    def _pause_while_starting(self, web: Service, others: Sequence[Service]) -> None:
        if web.process.poll() is not None:
            raise UpError(f"`{web.name}` does not start. {log_tail(web.log)}")
        self._require_servers()
        for service in others:
            service.check()
        self._progress.detail()
        self._interrupt.pause()

    def _require_servers(self) -> None:
        for name, server in self._servers.items():
            if not server.is_running:
                raise UpError(f"{name} has ended. {log_tail(server.log)}")


def _stop_services(services: list[Service]) -> None:
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


def _is_healthy(url: str) -> bool:
    # Without proxies, because the address is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def _report(text: str) -> None:
    _echo(text, err=True)


def _echo(text: str, *, err: bool = False) -> None:
    # The terminal may be closed, which must not prevent an orderly stop.
    with suppress(OSError):
        click.echo(text, err=err)
