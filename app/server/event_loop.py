"""The event loop of a web process: it accepts connections, receives requests, and passes each to a
thread once it has arrived. No thread waits for a client, except for large bodies."""

import os
import selectors
import signal
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from heapq import nsmallest
from math import inf
from typing import Final

import structlog

from app.server.connection import Connection, Lost, invite_body
from app.server.limits import Limits
from app.server.pace import WINDOW_SECONDS, Pace, TooSlow
from app.server.requests import Malformed, Request
from app.server.threads import ThreadPool
from app.server.wsgi import Aborted, Application, internal_error, refusal, respond

#: Seconds between two checks of all deadlines.
_CHECK_SECONDS, _STOPPING_CHECK_SECONDS = 1.0, 0.02
#: Seconds that a connection may be idle.
_IDLE_SECONDS: Final = 30.0
#: Seconds that a client has to close its side after the last response.
_CLOSING_SECONDS: Final = 2.0
#: Seconds after the stop during which requests that were on their way are still received.
_LAST_REQUESTS_SECONDS: Final = 0.5
#: Requests of a connection that are received ahead.
_MAX_AHEAD: Final = 16
#: Bytes of responses that wait for slow clients, per process.
_MAX_UNSENT_BYTES: Final = 64 * 1024 * 1024
#: Connections closed when there are no free files, and the pause before the next attempt.
_MIN_EVICTED: Final = 16
_RETRY_SECONDS: Final = 0.01

_TIMEOUT: Final = "408 Request Timeout"
_BUSY: Final = "503 Service Unavailable"

log = structlog.get_logger()


class EventLoop:
    """The connections of a web process, in its main thread; `_execute` runs in the others.

    Only the loop touches the selector and closes sockets: threads hand that over by `_call`.
    """

    def __init__(self, application: Application, listener: socket.socket, limits: Limits) -> None:
        self._application = application
        self._listener = listener
        self._limits = limits
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._groups: Counter[str] = Counter()
        self._unsent = 0
        self._writers: dict[Connection, None] = {}
        self._calls: deque[Callable[[], None]] = deque()
        self._pool: ThreadPool[Connection] = ThreadPool(limits.threads, self._execute)
        self._stopped_at = inf
        self._is_stopping = False
        self._wakeup, self._wakeup_end = socket.socketpair()
        for end in (self._wakeup, self._wakeup_end, listener):
            end.setblocking(False)

    def run(self) -> None:
        """Serve until `stop`, or until the parent process has ended; then finish the requests that
        have been sent."""
        parent = os.getppid()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._run_calls)
        next_check = time.monotonic()
        while not self._has_ended():
            pause = _STOPPING_CHECK_SECONDS if self._is_stopping else _CHECK_SECONDS
            for key, mask in self._selector.select(pause):
                if isinstance(key.data, Connection):
                    self._advance(key.data, mask)
                else:
                    key.data()
            if time.monotonic() >= next_check or self._is_stopping:
                next_check = time.monotonic() + _CHECK_SECONDS
                self._close_expired()
                if os.getppid() != parent:
                    self.stop()
        for resource in (self._selector, self._wakeup, self._wakeup_end):
            resource.close()

    # Stopping

    def stop_on_signals(self) -> None:
        """Stop at SIGTERM and SIGINT. Call it in the main thread, which must call `run`."""
        signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        """Accept nothing new and end `run` soon."""
        if not self._is_stopping:
            self._is_stopping = True
            self._stopped_at = time.monotonic()

    def _has_ended(self) -> bool:
        """Whether the process is stopping and nothing is left to do."""
        if not self._is_stopping:
            return False
        self._stop_listening()
        elapsed = time.monotonic() - self._stopped_at
        if elapsed >= _LAST_REQUESTS_SECONDS:
            for connection in [c for c in self._connections if not c.busy]:
                if connection.reader.is_idle or elapsed >= 2 * _LAST_REQUESTS_SECONDS:
                    self._close(connection)
        return not self._connections or elapsed >= self._limits.stop_seconds

    def _stop_listening(self) -> None:
        """Accept every connection that the kernel has accepted, because it would reset them."""
        if self._listener.fileno() < 0:
            return
        while self._accept():
            pass
        self._selector.unregister(self._listener)
        self._listener.close()

    # Accepting and closing

    def _accept(self) -> bool:
        """Accept a connection. Returns whether there may be more."""
        try:
            client, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError:  # there are no free files
            self._evict(self._connections, _MIN_EVICTED)
            time.sleep(_RETRY_SECONDS)
            return False
        client.setblocking(False)
        connection = Connection(client, address, rate=self._limits.rate)
        if not self._make_room(connection.group):
            with suppress(Lost):
                connection.send(memoryview(refusal(_BUSY)))
            client.close()
            return True
        self._connections.add(connection)
        self._groups[connection.group] += 1
        self._wait(connection, _IDLE_SECONDS)
        self._watch(connection)
        return True

    def _make_room(self, group: str) -> bool:
        """Close connections that wait for their clients, as needed for one more.

        Returns False if all of them have running requests.
        """
        per_address, connections = self._limits.per_address, self._limits.connections
        if per_address is not None and self._groups[group] >= per_address:
            self._evict([c for c in self._connections if c.group == group], per_address // 16)
            if self._groups[group] >= per_address:
                return False
        if len(self._connections) >= connections:
            self._evict(self._connections, connections // 16)
        return len(self._connections) < connections

    def _evict(self, candidates: Iterable[Connection], count: int) -> None:
        """Close those that have been waiting for their clients for longest."""
        waiting = [c for c in candidates if not c.busy or c.unsent]
        for connection in nsmallest(max(count, 1), waiting, key=lambda c: c.since):
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection.is_closed:
            return
        connection.is_closed = True
        connection.is_paused = True
        self._forget_unsent(connection)
        self._watch(connection)
        connection.socket.close()
        self._connections.discard(connection)
        self._groups[connection.group] -= 1
        if not self._groups[connection.group]:
            del self._groups[connection.group]

    def _close_expired(self) -> None:
        now = time.monotonic()
        for connection in [c for c in self._connections if c.deadline <= now]:
            if connection.unsent and connection.pace.is_met():
                self._wait(connection, WINDOW_SECONDS)
                continue
            if not (connection.busy or connection.is_closing or connection.reader.is_idle):
                self._refuse(connection, _TIMEOUT)
            else:
                self._close(connection)

    def _refuse(self, connection: Connection, status: str) -> None:
        """Answer bytes that are no request, and close the connection when that has been read."""
        with suppress(Lost):
            connection.send(memoryview(refusal(status)))
        self._begin_closing(connection)

    # Receiving

    def _watch(self, connection: Connection) -> None:
        """Let the selector report what the state of the connection needs."""
        mask = 0 if connection.is_paused else selectors.EVENT_READ
        if connection.unsent:
            mask |= selectors.EVENT_WRITE
        if mask == connection.watched:
            return
        if not mask:
            self._selector.unregister(connection.socket)
        elif connection.watched:
            self._selector.modify(connection.socket, mask, connection)
        else:
            self._selector.register(connection.socket, mask, connection)
        connection.watched = mask

    def _pause(self, connection: Connection) -> None:
        connection.is_paused = True
        self._watch(connection)

    def _resume(self, connection: Connection) -> None:
        if not connection.is_closed:
            connection.is_paused = False
            self._watch(connection)

    def _advance(self, connection: Connection, mask: int) -> None:
        """Continue a connection that its client has written to or read from."""
        try:
            if mask & selectors.EVENT_WRITE and not connection.is_closed:
                self._flush(connection)
            if mask & selectors.EVENT_READ and not connection.is_closed:
                self._receive(connection)
        except Exception:  # which must not end the other connections
            log.exception("connection_failed")
            self._close(connection)

    def _receive(self, connection: Connection) -> None:
        data = connection.receive()
        if data is None:
            return
        if not data:
            connection.has_ended = True
            if connection.busy:
                self._pause(connection)  # the client may still read the response
            else:
                self._close(connection)
            return
        if connection.is_closing:
            return  # such as the rest of a body that was refused
        was_idle, body = connection.reader.is_idle, connection.reader.open
        try:
            requests = connection.reader.feed(data)
        except Malformed as problem:
            if connection.busy:
                self._pause(connection)
                connection.has_ended = True
            else:
                self._refuse(connection, problem.status)
            return
        if requests:
            self._submit(connection, requests)
        elif not connection.busy:
            if was_idle or connection.reader.open is not body:
                connection.deadline = time.monotonic() + self._limits.request_seconds
            if connection.reader.open is not None:
                invite_body(connection, connection.reader.open)

    def _submit(self, connection: Connection, requests: list[Request]) -> None:
        with connection.lock:
            if connection.is_closing:
                return
            connection.ready.extend(requests)
            starts = not connection.busy
            connection.busy = True
            connection.deadline = inf
            # Before the thread starts, because it reads a streamed body itself.
            if requests[-1].is_streamed or len(connection.ready) > _MAX_AHEAD:
                self._pause(connection)
        if starts:
            self._pool.submit(connection)

    # Executing, in threads

    def _execute(self, connection: Connection) -> None:
        """Execute the requests that have arrived, one after the other."""
        while True:
            rest = self._respond(connection, connection.ready.popleft())
            if rest is None:
                self._call(partial(self._close_lost, connection))
                return
            if rest:
                self._call(partial(self._write, connection, rest))
                return
            if not self._finish(connection):
                return

    def _respond(self, connection: Connection, request: Request) -> list[memoryview] | None:
        """Returns what the client has not read yet, or None if the connection is unusable."""
        try:
            return respond(self._application, connection, request, self._is_stopped)
        except (Lost, TooSlow):
            return None
        except Aborted as aborted:
            log.error("response_aborted", exc_info=aborted.__cause__)
            return None
        except Exception:
            log.exception("request_crashed")
            connection.keeps_alive = False
            return [memoryview(internal_error())]

    def _is_stopped(self) -> bool:
        return self._is_stopping

    def _finish(self, connection: Connection) -> bool:
        """End a request whose response has been sent. Returns whether to execute another."""
        if not connection.keeps_alive or (connection.has_ended and not connection.ready):
            self._begin_closing(connection)
        else:
            with connection.lock:
                if connection.ready:
                    return True
                idle = connection.reader.is_idle
                self._wait(connection, _IDLE_SECONDS if idle else self._limits.request_seconds)
                connection.busy = False
        if connection.is_paused:
            self._call(partial(self._resume, connection))
        return False

    def _begin_closing(self, connection: Connection) -> None:
        """Let the client read the response before the connection is closed: closing it while bytes
        of the client are unread would discard the response."""
        connection.shut_down()
        with connection.lock:
            connection.ready.clear()
            connection.is_closing = True
            self._wait(connection, _CLOSING_SECONDS)
            connection.busy = False

    @staticmethod
    def _wait(connection: Connection, seconds: float) -> None:
        """From now on the connection waits for its client, for so many seconds at most."""
        connection.since = time.monotonic()
        connection.deadline = connection.since + seconds

    # Calls of threads to the event loop

    def _call(self, function: Callable[[], None]) -> None:
        self._calls.append(function)
        with suppress(OSError):  # it wakes up anyway, or has ended
            self._wakeup_end.send(b"\0")

    def _run_calls(self) -> None:
        with suppress(BlockingIOError):
            self._wakeup.recv(4096)
        while self._calls:
            self._calls.popleft()()

    def _close_lost(self, connection: Connection) -> None:
        connection.busy = False
        self._close(connection)

    # Responses that a client reads slowly

    def _write(self, connection: Connection, rest: list[memoryview]) -> None:
        connection.unsent.extend(rest)
        self._unsent += sum(map(len, rest))
        self._writers[connection] = None
        connection.pace = Pace(self._limits.rate)
        self._wait(connection, WINDOW_SECONDS)
        self._watch(connection)
        while self._unsent > _MAX_UNSENT_BYTES:
            self._close(next(iter(self._writers)))

    def _flush(self, connection: Connection) -> None:
        try:
            while connection.unsent:
                part = connection.unsent[0]
                rest = connection.send(part)
                self._unsent -= len(part) - len(rest)
                if rest:
                    connection.unsent[0] = rest
                    return
                connection.unsent.popleft()
        except Lost:
            self._close_lost(connection)
            return
        self._forget_unsent(connection)
        self._watch(connection)
        if self._finish(connection):
            connection.deadline = inf
            self._pool.submit(connection)

    def _forget_unsent(self, connection: Connection) -> None:
        self._unsent -= sum(map(len, connection.unsent))
        connection.unsent.clear()
        self._writers.pop(connection, None)
