"""Doing in one go what many threads ask for at the same time.

A thread that finds nobody at work leads: it opens a batch, takes everything that waits, does it
all and hands each its outcome. Those who arrive meanwhile wait and are the next batch, led by the
first of them. So an idle system does a lone request at once, and a busy one does large batches
without anybody waiting for a batch to fill. (Flat combining: Hendler, Incze, Shavit and Tzafrir,
SPAA 2010.)
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.common.errors import Unavailable

Request = TypeVar("Request")
Outcome = TypeVar("Outcome")

#: Takes up to so many of what waits, oldest first. Called once the batch can start.
Take = Callable[[], Sequence[Request]]


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told what happens in the queue. Must not raise.

    batch: was done, of requests that had waited so many seconds each until it started;
    refused: turned away, because the queue was "full" or its "deadline" had come.
    """

    batch: Callable[[Sequence[float]], None] = lambda waits: None
    refused: Callable[[str], None] = lambda reason: None


@dataclass(eq=False, slots=True)
class _Ticket(Generic[Request, Outcome]):
    """A request in the queue. Its thread sleeps on `turn` until it is done or has to lead."""

    request: Request
    turn: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)
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


class Combiner(Generic[Request, Outcome]):
    """Runs requests of many threads in batches.

    run: given `take`, does the requests that it takes – all or nothing – and returns one outcome
    or exception for each, in order. What it raises instead is the outcome of all that it took.
    """

    def __init__(
        self,
        run: Callable[[Take[Request]], Sequence[Outcome | BaseException]],
        *,
        batch: int = 64,
        queue: int = 256,
        seconds: float = 10,
        watch: Watch = Watch(),
    ) -> None:
        self._run = run
        self._batch = batch
        self._queue = queue
        self._seconds = seconds
        self._watch = watch
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket[Request, Outcome]] = deque()
        self._led = False

    def submit(self, request: Request) -> Outcome:
        """Have `request` done with whatever else waits; its outcome, or raise it.

        Raises Unavailable at once when the queue is full, and after `seconds` in it; the request
        was then not touched.
        """
        ticket: _Ticket[Request, Outcome] = _Ticket(request)
        with self._lock:
            if len(self._waiting) >= self._queue:
                self._watch.refused("full")
                raise Unavailable
            self._waiting.append(ticket)
            leads, self._led = not self._led, True
        if not leads:
            leads = self._wait(ticket)
        if leads:
            self._lead(ticket)
        return ticket.result()

    def _wait(self, ticket: _Ticket[Request, Outcome]) -> bool:
        """Sleep until the ticket is done; True when its thread is to lead instead."""
        deadline = time.monotonic() + self._seconds
        while not ticket.turn.wait(max(0, deadline - time.monotonic())):
            with self._lock:
                if not ticket.taken and not ticket.turn.is_set():
                    self._waiting.remove(ticket)
                    self._watch.refused("deadline")
                    raise Unavailable
            # Somebody is at work on it: what becomes of it must be known.
            deadline = time.monotonic() + self._seconds
        return not ticket.done

    def _lead(self, ticket: _Ticket[Request, Outcome]) -> None:
        """Do batches until our own ticket is done, then let the next in line lead."""
        while not ticket.done:
            self._do_batch()
        with self._lock:
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._led = False

    def _do_batch(self) -> None:
        tickets: list[_Ticket[Request, Outcome]] = []
        waits: list[float] = []

        def take() -> list[Request]:
            if not tickets:
                tickets.extend(self._next())
                now = time.monotonic()
                waits.extend(now - ticket.since for ticket in tickets)
            return [ticket.request for ticket in tickets]

        outcomes: Sequence[Outcome | BaseException]
        try:
            outcomes = self._run(take)
        except BaseException as error:
            tickets = tickets or self._next()
            outcomes = [error] * len(tickets)
        # Not in `take`, where others may wait for what `run` holds.
        if waits:
            self._watch.batch(waits)
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            ticket.finish(outcome)

    def _next(self) -> list[_Ticket[Request, Outcome]]:
        """Take the next batch out of the queue."""
        tickets: list[_Ticket[Request, Outcome]] = []
        with self._lock:
            while self._waiting and len(tickets) < self._batch:
                tickets.append(self._waiting.popleft())
                tickets[-1].taken = True
        return tickets
