"""`./flow bench scaling`: purchases and reads by number of web processes and database hosts.

Each web process, the primary and each replica are on a host of their own: a control group with a
fifth of a core (`--cores`), so that another one adds CPU. Redis and the load generator have the
rest of the machine. Linux only, as root.

Prints tables and where the time of the ledger lock goes. `--write` updates docs/scale.md and its
pictures.
"""

import argparse
import statistics
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, TaskID

from app.common.settings import COMMAND
from bench import metrics, scaling_report
from bench.cells import number, whole
from bench.cluster import Cluster, Setup, start_cluster
from bench.hosts import move
from bench.measurement import generate, percentiles, wrong
from bench.scaling_report import FREE, OTHER, PYTHON, REPLICA, STATEMENTS, WAL, Key, Profile, Slice
from bench.servers import Servers

WEBS: Final = (1, 2, 4)
#: Connections for each web process.
_BUYING, _READING = 64, 16
#: A host that used more than this of its CPU was not limited. Slices do not end to the millisecond.
_MOST: Final = 1.25
_SAMPLES_PER_SECOND: Final = 40
_CONNECT_SECONDS: Final = 10

#: Who holds the ledger lock, and what they wait for.
_HOLDER: Final = """
    SELECT pid, wait_event FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE relation = 'money_gate'::regclass AND granted AND mode = 'ShareUpdateExclusiveLock'
"""
_WAITS: Final = {
    None: STATEMENTS,
    "ClientRead": PYTHON,
    "ClientWrite": PYTHON,
    "WalSync": WAL,
    "WalWrite": WAL,
    "WALWrite": WAL,
    "SyncRep": REPLICA,
}


@dataclass(frozen=True)
class Plan:
    """webs: numbers of web processes; rounds: slices of each figure, each of so many seconds."""

    webs: Sequence[int]
    setups: Sequence[Setup]
    rounds: int
    seconds: float

    def keys(self, setup: Setup) -> Iterator[Key]:
        """What is measured with a setup. Reads never wait for a synchronous replica."""
        for web in self.webs:
            yield Key(setup, web, buys=True, reads=False)
            if not setup.synchronous:
                yield Key(setup, web, buys=False, reads=True)
                yield Key(setup, web, buys=True, reads=True)

    def profiled(self) -> Iterator[Key]:
        for web in self.webs:
            yield Key(self.setups[0], web, buys=True, reads=False)
        yield Key(self.setups[-1], max(self.webs), buys=True, reads=False)


def main(arguments: list[str]) -> int:
    """Returns 0 if every request succeeded, hosts were limited, and the ledger is consistent."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench scaling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    share = number(above=0, maximum=1)
    parser.add_argument("--quick", action="store_true", help="a few minutes, and fewer hosts")
    parser.add_argument("--seconds", type=number(above=0), help="of a slice (4; quick: 1)")
    parser.add_argument("--rounds", type=whole, help="slices of each figure (3; quick: 1)")
    parser.add_argument("--cores", type=share, default=0.2, help="of each host (0.2)")
    parser.add_argument("--write", action="store_true", help="update docs/scale.md")
    options = parser.parse_args(arguments)
    plan = plan_of(quick=options.quick, rounds=options.rounds, seconds=options.seconds)
    console = Console(width=max(Console().width, 120))
    copies = max(setup.replicas for setup in plan.setups)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("starting the servers", total=None)
        with start_cluster(web=max(plan.webs), copies=copies, cores=options.cores) as cluster:
            slices, profiles = run(cluster, plan, progress, task)
            progress.update(task, description="verify")
            for host in cluster.databases:
                host.lift(cluster.unlimited)
            books = cluster.shop.servers.command("verify")
    report = scaling_report.block(slices, profiles, cores=options.cores, seconds=plan.seconds)
    console.print(Markdown(report))
    problems = list(problems_of(slices))
    if books.returncode:
        problems.append(books.stdout + books.stderr)
    for problem in problems:
        console.print(problem, style="red")
    if options.write and not problems:
        scaling_report.write(report, slices, profiles)
    return 1 if problems else 0


def plan_of(*, quick: bool, rounds: int | None, seconds: float | None) -> Plan:
    most = 1 if quick else 2
    setups = [
        *(Setup(replicas) for replicas in range(most + 1)),
        *(Setup(replicas, synchronous=True) for replicas in range(1, most + 1)),
    ]
    webs = WEBS[:2] if quick else WEBS
    return Plan(webs, setups, rounds or (1 if quick else 3), seconds or (1 if quick else 4))


def run(
    cluster: Cluster, plan: Plan, progress: Progress, task: TaskID
) -> tuple[dict[Key, list[Slice]], dict[Key, Profile]]:
    """The slices of each figure, which alternate with those of the others, and the profiles."""
    slices: dict[Key, list[Slice]] = defaultdict(list)
    profiles = {}
    keys = [key for setup in plan.setups for key in plan.keys(setup)]
    total = len(keys) * plan.rounds + len(list(plan.profiled()))
    progress.update(task, description="measuring", total=total)
    for key in keys:  # the first requests take longer
        if key.web == max(plan.webs) and not key.setup.synchronous:
            cluster.use(key.setup)
            measure(cluster, key, 1)
    setup = None
    for key in keys * plan.rounds:
        if key.setup != setup:
            setup = key.setup
            cluster.use(setup)
        slices[key].append(measure(cluster, key, plan.seconds))
        progress.advance(task)
    for key in plan.profiled():
        cluster.use(key.setup)
        profiles[key] = profile(cluster, key, 2 * plan.seconds)
        progress.advance(task)
    return slices, profiles


def measure(cluster: Cluster, key: Key, seconds: float) -> Slice:
    """One slice of a load."""
    webs = cluster.webs[key.setup.replicas][: key.web]
    hosts = {
        "web": cluster.web_hosts[: key.web],
        "primary": cluster.databases[:1],
        "replicas": cluster.databases[1 : key.setup.replicas + 1],
    }
    jobs = []
    if key.buys:
        jobs.append(_job(webs, cluster.purchases(), _BUYING, seconds))
    if key.reads:
        jobs.append(_job(webs, cluster.reads(), _READING, seconds))
    samples = _metrics(webs)
    before = {host.name: host.cpu() for each in hosts.values() for host in each}
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(generate, jobs))
    longest = max(result["seconds"] for result in results)
    used = {
        name: [(host.cpu() - before[host.name]) / longest / host.cores for host in each]
        for name, each in hosts.items()
    }
    rates = [len(result["ms"]) / result["seconds"] for result in results]
    errors = [Counter(wrong(result["outcomes"], {"200", "201"})) for result in results]
    return Slice(
        purchases=rates[0] if key.buys else 0.0,
        reads=rates[-1] if key.reads else 0.0,
        batch=metrics.purchases(samples, _metrics(webs))["batch"] if key.buys else None,
        used=used,
        wrong=sum(errors, Counter()),
        **percentiles(results[0]["ms"]),
    )


def profile(cluster: Cluster, key: Key, seconds: float) -> Profile:
    """A slice in which it is observed where the time of the ledger lock goes."""
    with _observed(cluster) as seen:
        measured = measure(cluster, key, seconds)
    # Before the first purchase and after the last one, nobody holds it.
    held = [place for place, use in enumerate(seen) if use != FREE] or [0]
    counted = Counter(seen[held[0] : held[-1] + 1])
    return Profile(measured, {use: count / counted.total() for use, count in counted.items()})


def problems_of(slices: Mapping[Key, Sequence[Slice]]) -> Iterator[str]:
    for key, each in slices.items():
        if failed := sum((Counter(one.wrong) for one in each), Counter()):
            yield f"{key}: {dict(failed)}"
        for name in ("web", "primary", "replicas"):
            used = statistics.median(max(one.used[name], default=0.0) for one in each)
            if used > _MOST:
                yield f"{key}: a host ({name}) used {used:.0%} of its CPU. It is not limited."


def _job(webs: Sequence[Servers], requests: list[str], each: int, seconds: float) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "ports": [web.port for web in webs],
        "connections": each * len(webs),
        "seconds": seconds,
        "requests": requests,
    }


def _metrics(webs: Sequence[Servers]) -> metrics.Reading:
    added = metrics.parse("")
    for web in webs:
        for name, value in metrics.read(web).items():
            added[name] += value
    return added


@contextmanager
def _observed(cluster: Cluster) -> Iterator[list[str]]:
    """What the ledger lock is held for, at moments until the block ends."""
    seen: list[str] = []
    stop = threading.Event()
    with closing(
        psycopg.connect(
            cluster.shop.servers.superuser_url, autocommit=True, connect_timeout=_CONNECT_SECONDS
        )
    ) as connection:
        # So that it costs the host of the primary nothing.
        move(connection.info.backend_pid, cluster.unlimited)

        def observe() -> None:
            while not stop.wait(1 / _SAMPLES_PER_SECOND):
                holder = connection.execute(_HOLDER).fetchone()
                seen.append(_WAITS.get(holder[1], OTHER) if holder else FREE)

        thread = threading.Thread(target=observe)
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()
