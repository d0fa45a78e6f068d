"""Traffic: transactions at a rate, from start to stop."""

import logging
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sandbox.common.background import Background
from sandbox.traffic import plan
from sandbox.traffic.actions import APPROVED, NO_CODE, REVIEW, Actions, Outcome
from sandbox.traffic.api import Api, ApiAway
from sandbox.traffic.people import FIRST_NAMES, LAST_NAMES, Person
from sandbox.traffic.plan import Action, Size
from sandbox.traffic.shops import Shops
from sandbox.traffic.store import Accounts

#: Buyers for each transaction a second, so that none of them pays unnaturally often.
_BUYERS_PER_RATE: Final = 6
_MIN_BUYERS, _MAX_BUYERS = 12, 150
_BROKE: Final = 3
_THREADS: Final = 16
#: Transactions that may wait for a thread. Further ones are left out: the API is too slow for them.
_WAITING: Final = 64
#: How many people are asked until one of them needs no code.
_TRIES: Final = 4
_RETRY_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """left_out: transactions that were due while too many others were being made, or while nobody
    had a two-factor code. failed: without an answer, or with one of the server's faults."""

    outcomes: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def made(self) -> int:
        return self.outcomes.total()

    @property
    def declined(self) -> int:
        return self.made - self.outcomes[APPROVED] - self.outcomes[REVIEW]


class Traffic(Background):
    """People who pay. on_ready: called whenever one more person can."""

    def __init__(
        self,
        api: Api,
        accounts: Accounts,
        *,
        currency: str,
        rng: random.Random | None = None,
        on_ready: Callable[[int, int], None] = lambda *_: None,
    ) -> None:
        self._api = api
        self._accounts = accounts
        self._rng = rng or random.Random()  # noqa: S311 – guards nothing
        self._on_ready = on_ready
        self._shops = Shops()
        self._actions = Actions(self._shops, currency=currency)
        self._buyers: list[Person] = []
        self._broke: list[Person] = []
        self._single: Person | None = None
        self._singles = 0
        self._interval: float | None = None
        self._due = threading.Event()
        self._stopping = False
        self._preparing = threading.Lock()
        self._single_lock = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = threading.BoundedSemaphore(_WAITING)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="person")
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self.counts = Counts()

    @property
    def interval(self) -> float | None:
        """Seconds between two transactions; None while there are none."""
        return self._interval

    @property
    def decimals(self) -> int:
        """Of the currency."""
        return self._actions.decimals

    def start(self) -> None:
        """Begin to wait for `set_interval`."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the transactions that have begun."""
        self._stopping = True
        self._due.set()
        self._thread.join()
        self._threads.shutdown(cancel_futures=True)
        self._api.close()

    def wake(self) -> None:
        self._due.set()

    def set_interval(self, seconds: float | None) -> None:
        """Make a transaction every so often; None: no more."""
        self._interval = seconds
        self._due.set()

    def prepare(self, rate: float) -> None:
        """Have shops, and as many buyers as the rate needs. Raises ApiAway."""
        with self._preparing:
            self._shops.open(self._api, self._accounts, decimals=self._actions.decimals)
            for number in range(len(self._broke), _BROKE):
                self._broke.append(self._sign_in(f"{_name(number)} Broke"))
            wanted = _needed(1 / rate)
            while len(self._buyers) < wanted and not self._stopping:
                self._buyers.append(self._sign_in(_name(len(self._buyers))))
                self._on_ready(len(self._buyers), wanted)

    def once(self) -> Outcome:
        """Make one purchase now, by someone who does nothing else. Raises ApiAway."""
        with self._single_lock:
            if not self._shops.merchants:
                with self._preparing:
                    self._shops.open(self._api, self._accounts, decimals=self._actions.decimals)
            while True:
                if self._single is None:
                    self._single = self._sign_in(f"{_name(self._singles)} Single")
                size = plan.pick(self._rng, {Size.SMALL: 3, Size.MEDIUM: 1})
                outcome = self._actions.buy(self._rng, self._single, size)
                if outcome.code != NO_CODE:
                    self._count(outcome, None)
                    return outcome
                self._single, self._singles = None, self._singles + 1

    def _sign_in(self, name: str) -> Person:
        person = Person(self._api, self._accounts, name)
        person.sign_in()
        return person

    def _run(self) -> None:
        """Begin each transaction when it is due."""
        next_at = time.monotonic()
        while not self._stopping:
            interval = self._interval
            if interval is None:
                self._due.wait()
                self._due.clear()
                next_at = time.monotonic()
                continue
            if len(self._buyers) < _needed(interval) and not self._preparing.locked():
                threading.Thread(target=self._prepare, args=(1 / interval,), daemon=True).start()
            if self._buyers and self._broke:
                self._begin()
            next_at = max(next_at + plan.pause(self._rng, interval=interval), time.monotonic() - 1)
            if self._due.wait(max(0.0, next_at - time.monotonic())):
                self._due.clear()
                next_at = time.monotonic()

    def _prepare(self, rate: float) -> None:
        try:
            self.prepare(rate)
        except ApiAway as error:
            _log.warning("%s", error)
            time.sleep(_RETRY_SECONDS)

    def _begin(self) -> None:
        if not self._waiting.acquire(blocking=False):
            with self._counting:
                self.counts.left_out += 1
            return
        self._threads.submit(self._make)

    def _make(self) -> None:
        try:
            for _ in range(_TRIES):
                action = plan.pick(self._rng, plan.ACTIONS)
                begun = time.monotonic()
                outcome = self._act(action)
                if outcome is not None and outcome.code != NO_CODE:
                    self._count(outcome, time.monotonic() - begun)
                    return
            with self._counting:
                self.counts.left_out += 1
        except ApiAway as error:
            with self._counting:
                self.counts.failed += 1
            _log.warning("%s", error)
        except Exception:
            with self._counting:
                self.counts.failed += 1
            _log.exception("A transaction could not be made.")
        finally:
            self._waiting.release()

    def _act(self, action: Action) -> Outcome | None:
        """None if everyone is busy."""
        person = self._take(self._broke if action is Action.BROKE else self._buyers)
        if person is None:
            return None
        try:
            return self._actions.perform(self._rng, person, self._buyers, action)
        finally:
            person.lock.release()

    def _take(self, people: list[Person]) -> Person | None:
        """Someone who is free, by the hour of the day where they live."""
        hour = datetime.now(UTC).hour
        weights = [
            plan.weight(hour, zone=plan.ZONES[number % len(plan.ZONES)])
            for number, _ in enumerate(people)
        ]
        for person in self._rng.choices(people, weights, k=20):
            if person.lock.acquire(blocking=False):
                return person
        return None

    def _count(self, outcome: Outcome, seconds: float | None) -> None:
        with self._counting:
            if outcome.status >= 500:
                self.counts.failed += 1
                return
            self.counts.outcomes[outcome.code] += 1
            self.counts.actions[outcome.action] += 1
            if seconds is not None:
                self.counts.seconds.append(seconds)
                del self.counts.seconds[:-10_000]


def _needed(interval: float) -> int:
    return min(max(math.ceil(_BUYERS_PER_RATE / interval), _MIN_BUYERS), _MAX_BUYERS)


def _name(number: int) -> str:
    """A different name for each number."""
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[(number + number // len(FIRST_NAMES)) % len(LAST_NAMES)]
    return f"{first} {last} {number}"
