"""`./flow bench cells`: how many cells a number of purchases a day needs, by simulation.

A cell is a database with its web servers, Redis and worker (docs/decisions/0039). In each, one
batch at a time holds the ledger lock. It takes what waits in its process when it gets the lock, up
to 64 movements, and then lasts as long as was measured: a part for each batch and one for each
movement. Purchases arrive at random, at the rate of the busiest minute of a day, at merchants whose
sizes follow Zipf's law. One from another cell is three movements: reserved at the merchant's, paid
at the buyer's, completed at the merchant's.

Nothing is measured here, and no server is started. Only a slice of the busiest minute is simulated,
not the day. The same seed gives the same table.
"""

import argparse
import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table

from app.common.settings import COMMAND
from bench.measurement import percentiles

#: Purchases of each hour, from midnight, relative to each other: an assumption.
HOURS = (5, 3, 2, 1, 1, 2, 4, 7, 9, 10, 11, 12, 12, 11, 10, 10, 11, 13, 15, 17, 18, 16, 12, 8)
#: The busiest minute, relative to the mean of its hour: an assumption.
MINUTE = 1.2
_DAY = 86_400
_DAYS = (10**6, 10**7, 5 * 10**7, 10**8, 3 * 10**8, 10**9)
#: Purchases that are simulated for each row, if there are so many in a minute.
SAMPLE = 40_000
#: Merchants that are looked at one by one. The others are many and small.
_LARGE = 2_000


@dataclass(frozen=True, slots=True)
class Rules:
    """Times in seconds. Those of the lock and CPU are of docs/performance.md.

    fixed, each: how long a batch holds the lock, and for each of its movements more; round_trips:
    between web server and database in a batch, and one to the synchronous replica; spread: of the
    time of a batch (sigma of its logarithm); web, read: CPU of a purchase and of a read on web
    servers; hop: from one cell to another.
    """

    fixed: float = 0.0025
    each: float = 0.00041
    round_trip: float = 0.0003
    round_trips: int = 5
    largest: int = 64
    processes: int = 4
    spread: float = 0.5
    hop: float = 0.001
    web: float = 0.0007
    read: float = 0.0005
    reads: int = 10
    cores: int = 8
    busiest: float = 0.7

    def mean_time(self, movements: int) -> float:
        return self.fixed + self.round_trip * self.round_trips + self.each * movements

    @property
    def capacity(self) -> float:
        """Movements per second in the largest batches."""
        return self.largest / self.mean_time(self.largest)

    def hosts(self, rate: float) -> int:
        """Of a cell with so many purchases per second: web servers, three of PostgreSQL, three of
        Redis, and two workers."""
        cpu = rate * (self.web + self.reads * self.read)
        return max(2, math.ceil(cpu / (self.cores * self.busiest))) + 3 + 3 + 2


#: As measured: all on one machine, two web processes.
ONE_MACHINE = Rules(round_trip=0, processes=2)


@dataclass(slots=True)
class Purchase:
    """steps: the cells of its movements, of which `done` are committed."""

    began_at: float
    steps: Sequence[int]
    done: int = 0


@dataclass(slots=True)
class Cell:
    """queues: what waits in each process; turns: the processes that wait for the lock."""

    queues: list[deque[Purchase]]
    turns: deque[int] = field(default_factory=deque)
    batch: list[Purchase] = field(default_factory=list)
    batches: int = 0
    movements: int = 0


@dataclass(slots=True)
class Outcome:
    """latencies: milliseconds of purchases that were served, by whether two cells took part."""

    arrived: int = 0
    served: int = 0
    latencies: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})


class Simulation:
    """Cells and what happens in them, in the order of time.

    again: when a purchase is served, the time after which its buyer buys again; None: never.
    """

    def __init__(
        self,
        rules: Rules,
        cells: int,
        rng: random.Random,
        again: Callable[[], float] | None = None,
    ) -> None:
        self._rules, self._rng, self._again = rules, rng, again
        self.cells = [Cell([deque() for _ in range(rules.processes)]) for _ in range(cells)]
        self.outcome = Outcome()
        # Time, number, and the movement that arrives or, as None, the cell whose batch ends.
        self._events: list[tuple[float, int, Purchase | None, int]] = []
        self._number = 0

    def arrive(self, at: float, steps: Sequence[int]) -> None:
        self._later(at, Purchase(at, steps), steps[0])

    def run(self, until: float, *, warm_up: float = 0) -> Outcome:
        """warm_up: purchases that began before it are counted, and their latencies are not."""
        while self._events and self._events[0][0] <= until:
            now, _, purchase, number = heapq.heappop(self._events)
            cell = self.cells[number]
            if purchase is None:
                batch, cell.batch = cell.batch, []
                for each in batch:
                    self._committed(each, now, warm_up)
            else:
                self.outcome.arrived += purchase.done == 0
                process = self._rng.randrange(self._rules.processes)
                if not cell.queues[process]:
                    cell.turns.append(process)
                cell.queues[process].append(purchase)
            if not cell.batch and cell.turns:
                self._start_batch(cell, number, now)
        return self.outcome

    @property
    def unfinished(self) -> int:
        """Purchases that have arrived and are not served: in a queue, in a batch, or on their way
        from one cell to another."""
        inside = sum(len(c.batch) + sum(map(len, c.queues)) for c in self.cells)
        return inside + sum(1 for _, _, each, _ in self._events if each and each.done)

    def _start_batch(self, cell: Cell, number: int, now: float) -> None:
        process = cell.turns.popleft()
        queue = cell.queues[process]
        cell.batch = [queue.popleft() for _ in range(min(len(queue), self._rules.largest))]
        if queue:
            cell.turns.append(process)
        cell.batches += 1
        cell.movements += len(cell.batch)
        sigma = self._rules.spread
        noise = self._rng.lognormvariate(-sigma * sigma / 2, sigma)  # its mean is 1
        self._later(now + self._rules.mean_time(len(cell.batch)) * noise, None, number)

    def _committed(self, purchase: Purchase, now: float, warm_up: float) -> None:
        purchase.done += 1
        if purchase.done < len(purchase.steps):
            self._later(now + self._rules.hop, purchase, purchase.steps[purchase.done])
            return
        self.outcome.served += 1
        if purchase.began_at >= warm_up:
            latency = (now - purchase.began_at) * 1000
            self.outcome.latencies[len(purchase.steps) > 1].append(latency)
        if self._again is not None:
            self.arrive(now + self._again(), purchase.steps)

    def _later(self, at: float, purchase: Purchase | None, cell: int) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, purchase, cell))


def one_machine(connections: int, *, seconds: float, seed: int, outside: float = 0.0025) -> Cell:
    """The measured setting: so many connections, each of which buys again and again.

    outside: mean seconds between a response and the arrival of the next purchase in its queue.
    """
    rng = random.Random(seed)  # noqa: S311 – a simulation
    simulation = Simulation(ONE_MACHINE, 1, rng, again=lambda: rng.expovariate(1 / outside))
    for _ in range(connections):
        simulation.arrive(rng.random() * outside, (0,))
    simulation.run(seconds)
    return simulation.cells[0]


def peak(purchases_a_day: float) -> float:
    """Purchases per second in the busiest minute."""
    return purchases_a_day / _DAY * max(HOURS) / (sum(HOURS) / len(HOURS)) * MINUTE


def place(rate: float, cells: int, *, merchants: int, zipf: float) -> tuple[list[float], float]:
    """Purchases per second of each cell, and of the largest merchant.

    Merchants go to the emptiest cell, the largest ones first.
    """
    large = [rank**-zipf for rank in range(1, min(merchants, _LARGE) + 1)]
    # The sum of the rest as an integral, in the middle of each step.
    low, high = len(large) + 0.5, merchants + 0.5
    power = 1 - zipf
    rest = math.log(high / low) if power == 0 else (high**power - low**power) / power
    scale = rate / (sum(large) + rest)
    loads = [(0.0, number) for number in range(cells)]
    for share in large:
        load, number = loads[0]
        heapq.heapreplace(loads, (load + share * scale, number))
    # The small ones fill the cells up to one level, as far as they reach.
    levels, left = sorted(load for load, _ in loads), rest * scale
    for count in range(1, cells + 1):
        up_to = levels[count] if count < cells else math.inf
        step = min(left / count, up_to - levels[0])
        levels[:count] = [levels[0] + step] * count
        left -= step * count
        if levels[0] < up_to:
            break
    return levels, large[0] * scale


@dataclass(frozen=True, slots=True)
class Row:
    purchases: int
    peak: float
    cells: int
    hottest: float
    batch: float
    hosts: int
    latencies: dict[str, float]
    cross: dict[str, float]
    fits: bool


def demand(levels: Sequence[float], cross: float) -> list[float]:
    """Movements per second of each cell. cross: share of purchases from other cells."""
    if len(levels) == 1:
        return list(levels)
    total = sum(levels)
    return [level * (1 + cross) + cross * (total - level) / (len(levels) - 1) for level in levels]


def simulate(
    purchases: int, rules: Rules, *, cross: float, merchants: int, zipf: float, seed: int
) -> Row:
    """As few cells as keep each below the share of its capacity that it may use, and a slice of
    their busiest minute. If one merchant is too large for a cell, the row does not fit."""
    rate, limit = peak(purchases), rules.capacity * rules.busiest
    count = max(1, math.ceil(rate / limit))
    while True:
        levels, largest = place(rate, count, merchants=merchants, zipf=zipf)
        needed = demand(levels, cross)
        fits = max(needed) <= limit
        if fits or (min(needed) <= limit and max(levels) <= largest):
            break
        count += 1
    rng = random.Random(seed)  # noqa: S311 – a simulation
    simulation = Simulation(rules, count, rng)
    seconds = min(60.0, SAMPLE / rate)
    at = rng.expovariate(rate)
    while at < seconds:
        (seller,) = rng.choices(range(count), levels)
        steps: tuple[int, ...] = (seller,)
        if count > 1 and rng.random() < cross:
            buyer = (seller + rng.randrange(1, count)) % count
            steps = (seller, buyer, seller)
        simulation.arrive(at, steps)
        at += rng.expovariate(rate)
    outcome = simulation.run(seconds, warm_up=seconds / 10)
    return Row(
        purchases=purchases,
        peak=rate,
        cells=count,
        hottest=max(needed) / rules.capacity,
        batch=sum(c.movements for c in simulation.cells) / sum(c.batches for c in simulation.cells),
        hosts=sum(rules.hosts(level) for level in levels),
        latencies=percentiles(sorted(outcome.latencies[False] + outcome.latencies[True])),
        cross=percentiles(sorted(outcome.latencies[True])),
        fits=fits,
    )


def table_of(rows: Sequence[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    headings = ("purchases a day", "peak per s", "cells", "hottest", "batch", "p50 ms", "p99 ms")
    for heading in (*headings, "p99 of two cells", "hosts"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            f"{row.purchases:,}",
            f"{row.peak:,.0f}",
            f"{row.cells}",
            f"{row.hottest:.0%}" + ("" if row.fits else " [red](one merchant)[/]"),
            f"{row.batch:.1f}",
            *map(_number, (row.latencies["p50"], row.latencies["p99"], row.cross["p99"])),
            f"{row.hosts}",
        )
    return table


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0f}"


def number(*, above: float = -math.inf, maximum: float = math.inf) -> Callable[[str], float]:
    """The type of an option: a number from 0, above `above`, up to `maximum`."""

    def parse(text: str) -> float:
        value = float(text)
        if not (above < value <= maximum and 0 <= value < math.inf):
            raise argparse.ArgumentTypeError(f"{text} is out of range")
        return value

    parse.__name__ = "number"
    return parse


def whole(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is out of range")
    return value


def main(arguments: list[str]) -> int:
    """Returns 0."""
    usual = Rules()
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench cells",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    time, share = number(above=0), number(above=0, maximum=1)
    add = parser.add_argument
    add("--fixed", type=time, default=usual.fixed * 1000, help="ms of a batch (2.5)")
    add("--each", type=time, default=usual.each * 1000, help="ms of each movement in it (0.41)")
    add("--round-trip", type=number(), default=usual.round_trip * 1000, help="ms; 5 a batch (0.3)")
    add("--hop", type=number(), default=usual.hop * 1000, help="ms from cell to cell (1)")
    add("--processes", type=whole, default=usual.processes, help="of the web in a cell (4)")
    add("--busiest", type=share, default=usual.busiest, help="share of capacity to use (0.7)")
    add("--cross", type=number(maximum=1), default=0.1, help="share between cells (0.1)")
    add("--merchants", type=whole, default=1_000_000, help="(10⁶)")
    add("--zipf", type=number(maximum=3), default=0.9, help="exponent of their sizes (0.9)")
    add("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    rules = Rules(
        fixed=options.fixed / 1000,
        each=options.each / 1000,
        round_trip=options.round_trip / 1000,
        hop=options.hop / 1000,
        processes=options.processes,
        busiest=options.busiest,
    )
    console = Console(width=max(Console().width, 120))
    with console.status("simulating"):
        rows = [
            simulate(
                purchases,
                rules,
                cross=options.cross,
                merchants=options.merchants,
                zipf=options.zipf,
                seed=options.seed,
            )
            for purchases in _DAYS
        ]
    console.print(table_of(rows))
    console.print(
        f"One cell: at most {rules.capacity:,.0f} movements per second, {rules.busiest:.0%} of them"
        f" planned. Simulated from measured times: a slice of the busiest minute, up to"
        f" {SAMPLE:,} purchases. hottest: movements of the busiest cell, of what it could at most.",
        style="dim",
    )
    return 0
