"""Executes concurrent requests of many threads in batches.

A thread that finds no leader becomes the leader: it starts a batch, drains the queue, executes all
of its requests and delivers each outcome. Requests that arrive meanwhile form the next batch, led
by the thread of the first. So an idle system executes a single request immediately, and a busy one
executes large batches without waiting for a batch to fill. (Flat combining: Hendler, Incze, Shavit
and Tzafrir, SPAA 2010.)
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from app.common import deadline, side_effects, tracing
from app.common.errors import Unavailable
from app.common.queue_observer import NOBODY, Observer

Request = TypeVar("Request")
Outcome = TypeVar("Outcome")

#: Removes the requests of the next batch from the queue, oldest first. Called once the batch can
#: start.
Drain = Callable[[], Sequence[Request]]


@dataclass(eq=False, slots=True)
class _Ticket(Generic[Request, Outcome]):
    """A request in the queue. Its thread waits on `turn` until it is done or becomes the leader."""

    request: Request
    turn: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)
    span: tracing.Span | None = field(default_factory=tracing.current.get)
    taken: bool = False
    outcomes: list[Outcome | BaseException] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return bool(self.outcomes)

    def finish(self, outcome: Outcome | BaseException) -> None:
        self.outcomes.append(outcome)
        self.turn.set()

    def result(self) -> Outcome:
        (outcome,) = self.outcomes
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class BatchExecutor(Generic[Request, Outcome]):
    """Executes requests of many threads in batches.

    run: is called with `drain`, executes the drained requests – all or none – and returns one
    outcome or exception for each, in order. If it raises, its exception is the outcome of all.
    stands_alone: whether a request is a batch of its own. Its own thread executes it, because the
    request of the leader is always the first one of the batch.
    batch: maximum size of a batch; queue: maximum number of waiting requests; timeout: seconds that
    a request waits at most.
    """

    def __init__(
        self,
        run: Callable[[Drain[Request]], Sequence[Outcome | BaseException]],
        *,
        stands_alone: Callable[[Request], bool] = lambda request: False,
        batch: int = 64,
        queue: int = 256,
        timeout: float = 5,
        observer: Observer = NOBODY,
        name: str = "batch",
    ) -> None:
        self._name = name
        self._run = run
        self._stands_alone = stands_alone
        self._batch = batch
        self._queue = queue
        self._timeout = timeout
        self._observer = observer
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket[Request, Outcome]] = deque()
        self._has_leader = False
        #: When the leader last began to work, on its first batch or on a further one.
        self._progress_at = 0.0

    def submit(self, request: Request) -> Outcome:
        """Execute `request` in the next batch. Returns its outcome, or raises it.

        Raises Unavailable immediately if the queue is full or no batch has ended for `timeout`
        seconds, and after `timeout` seconds in the queue; the request has not been executed then.
        """
        ticket: _Ticket[Request, Outcome] = _Ticket(request)
        with self._lock:
            if reason := self._refusal(ticket.since):
                self._refused(reason)
                raise Unavailable
            self._waiting.append(ticket)
            is_leader, self._has_leader = not self._has_leader, True
            if is_leader:
                self._progress_at = ticket.since
        if not is_leader:
            is_leader = self._wait(ticket)
        if is_leader:
            self._lead(ticket)
        return ticket.result()

    def _refusal(self, now: float) -> str | None:
        """Why no further request is accepted, if so."""
        if len(self._waiting) >= self._queue:
            return "full"
        # Its threads would all wait for a database that does not answer, and none would be left
        # for other requests.
        stalled = self._has_leader and now - self._progress_at > self._timeout
        return "deadline" if stalled else None

    def _refused(self, reason: str) -> None:
        side_effects.attempt(partial(self._observer.refused, reason))

    def _wait(self, ticket: _Ticket[Request, Outcome]) -> bool:
        """Wait until the ticket is done; True if its thread becomes the leader instead."""
        ends_at = time.monotonic() + self._timeout
        while not ticket.turn.wait(max(0, ends_at - time.monotonic())):
            with self._lock:
                if not ticket.taken and not ticket.turn.is_set():
                    self._waiting.remove(ticket)
                    self._refused("deadline")
                    raise Unavailable
            # It is being executed, so its outcome must be awaited.
            ends_at = time.monotonic() + self._timeout
        return not ticket.done

    def _lead(self, ticket: _Ticket[Request, Outcome]) -> None:
        """Execute batches until the own ticket is done, then make the next thread leader."""
        while not ticket.done:
            self._execute_batch()
        with self._lock:
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._has_leader = False

    def _execute_batch(self) -> None:
        tickets: list[_Ticket[Request, Outcome]] = []
        waits: list[float] = []

        def drain() -> list[Request]:
            if not tickets:
                tickets.extend(self._next())
                now = time.monotonic()
                waits.extend(now - ticket.since for ticket in tickets)
            return [ticket.request for ticket in tickets]

        began = time.time_ns()
        outcomes: Sequence[Outcome | BaseException]
        try:
            # Not the deadline of the leader, whose client may have taken most of its time. After
            # the longest wait there is time for a batch.
            with deadline.anew(deadline.REQUEST_SECONDS - self._timeout):
                outcomes = self._run(drain)
        except BaseException as error:
            tickets = tickets or self._next()
            outcomes = [error] * len(tickets)
        # Before the requests go on, and export their spans.
        if spans := [ticket.span for ticket in tickets if ticket.span is not None]:
            export = partial(tracing.export_batch, self._name, spans, began=began)
            side_effects.attempt(partial(export, size=len(tickets)))
        # Not in `drain`, where others may wait for locks that `run` has acquired.
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            ticket.finish(outcome)
        self._progress_at = time.monotonic()
        if waits:
            side_effects.attempt(partial(self._observer.batch, waits))

    def _next(self) -> list[_Ticket[Request, Outcome]]:
        """Remove the next batch from the queue. Those that stand alone wait for their own turn."""
        with self._lock:
            first = self._waiting.popleft()
            tickets = [first]
            if not self._stands_alone(first.request):
                passed: list[_Ticket[Request, Outcome]] = []
                while self._waiting and len(tickets) < self._batch:
                    ticket = self._waiting.popleft()
                    (passed if self._stands_alone(ticket.request) else tickets).append(ticket)
                self._waiting.extendleft(reversed(passed))
            for ticket in tickets:
                ticket.taken = True
        return tickets
