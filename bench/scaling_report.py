"""The results of `bench scaling` as tables and pictures, here and in docs/scale.md."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from app.common.settings import PROJECT_ROOT
from bench import chart
from bench.cluster import Setup

PAGE: Final = PROJECT_ROOT / "docs" / "scale.md"
_IMAGES: Final = PROJECT_ROOT / "docs" / "images"
_BEGIN: Final = "<!-- begin generated scaling (by `./flow bench scaling --write`) -->"
_END: Final = "<!-- end generated scaling -->"

#: What a batch holds the ledger lock for.
STATEMENTS: Final = "PostgreSQL's statements"
PYTHON: Final = "web process"
WAL: Final = "WAL on the disk"
REPLICA: Final = "replica"
OTHER: Final = "other"
FREE: Final = "nobody holds it"
USES: Final = (PYTHON, STATEMENTS, OTHER, FREE, WAL, REPLICA)
#: Those that take as long on a faster host.
_CONSTANT: Final = (WAL, REPLICA)

Value = Callable[["Slice"], float]


@dataclass(frozen=True)
class Key:
    """What is measured: by how many web processes, with purchases, reads, or both."""

    setup: Setup
    web: int
    buys: bool
    reads: bool


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Purchases and reads per second. Latencies are those of purchases, if there were any.

    batch: movements in a transaction (mean); used: CPU of each host, of what it has, by `web`,
    `primary` and `replicas`; wrong: responses that are errors.
    """

    purchases: float
    reads: float
    p50: float
    p95: float
    p99: float
    batch: float | None
    used: Mapping[str, Sequence[float]]
    wrong: Mapping[str, int]


@dataclass(frozen=True)
class Profile:
    """shares: of the time, by what the ledger lock was held for."""

    measured: Slice
    shares: Mapping[str, float]

    @property
    def batch_ms(self) -> float:
        """From one batch to the next."""
        return 1000 / self.measured.purchases * (self.measured.batch or 1)

    def whole(self, cores: float) -> float:
        """Purchases per second of hosts with a whole core each, computed: what their CPU does takes
        so much less time, and disks and replicas take the same."""
        factor = sum(
            share * (1 if use in _CONSTANT else cores) for use, share in self.shares.items()
        )
        return self.measured.purchases / factor


Results = Mapping[Key, Sequence[Slice]]
Profiles = Mapping[Key, Profile]

_purchases: Final = attrgetter("purchases")
_reads: Final = attrgetter("reads")

_COLOURS: Final = {
    Setup(0): "#94a3b8",
    Setup(1): "#2563eb",
    Setup(2): "#0d9488",
    Setup(1, synchronous=True): "#ea580c",
    Setup(2, synchronous=True): "#be123c",
}


def block(slices: Results, profiles: Profiles, *, cores: float, seconds: float) -> str:
    """All tables, as Markdown."""
    rounds = max(map(len, slices.values()))
    text = (
        f"Each host has {cores:g} of a core. Medians of {rounds} slices of {seconds:g} s, which"
        f" alternate with those of the other figures. Half of the figures vary by less than"
        f" {_percent(_spread(slices))} between their slices."
    )
    tables = (_rates(slices), _hosts(slices), _lock(profiles, cores))
    return "\n\n".join([text, *("\n".join(table) for table in tables)])


def write(report: str, slices: Results, profiles: Profiles) -> None:
    """Update docs/scale.md and its pictures."""
    PAGE.write_text(updated(PAGE.read_text(), report))
    (_IMAGES / "scaling.svg").write_text(draw(slices))
    (_IMAGES / "ledger-lock.svg").write_text(draw_lock(profiles))


def updated(page: str, report: str) -> str:
    """The page with this report in place of its earlier one."""
    before, rest = page.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{report}\n{_END}{after}"


def draw(slices: Results) -> str:
    """Purchases and reads over the number of web processes."""
    webs = _webs(slices)

    def panel(title: str, value: Value, *, buys: bool, reads: bool) -> chart.Panel:
        lines = [
            (
                _short(setup),
                _COLOURS[setup],
                [_median(slices[Key(setup, web, buys, reads)], value) for web in webs],
            )
            for setup in _setups(slices)
            if Key(setup, webs[0], buys, reads) in slices
        ]
        return chart.Panel(title, lines)

    panels = [
        panel("Purchases per second", _purchases, buys=True, reads=False),
        panel("Reads per second", _reads, buys=False, reads=True),
        panel("Purchases per second, beside reads", _purchases, buys=True, reads=True),
        panel("Reads per second, beside purchases", _reads, buys=True, reads=True),
    ]
    title = "More web processes, and more hosts of the database"
    return chart.draw(title, panels, webs, below="web processes")


def draw_lock(profiles: Profiles) -> str:
    """What the ledger lock is held for."""
    rows = {_profile_name(key): each.shares for key, each in profiles.items()}
    return chart.draw_shares("What the ledger lock is held for", rows, USES)


def _rates(slices: Results) -> list[str]:
    webs = _webs(slices)
    loads = (("purchases/s", True, False), ("reads/s", False, True), ("both", True, True))
    heads = [f"{name}, {webs[0]} web" for name, *_ in loads]
    columns = [name for head in heads for name in (head, *map(str, webs[1:]))]
    rows = []
    for setup in _setups(slices):
        cells = []
        for _, buys, reads in loads:
            for web in webs:
                found = slices.get(Key(setup, web, buys, reads), ())
                values = [_purchases] * buys + [_reads] * reads
                cells.append(" + ".join(f"{_median(found, v):,.0f}" for v in values if found))
        rows.append([setup.name, *cells])
    return _table(["database", *columns], rows)


def _hosts(slices: Results) -> list[str]:
    """How busy the hosts are with the most web processes."""
    most = _webs(slices)[-1]
    rows = [
        [
            key.setup.name,
            " and ".join(["purchases"] * key.buys + ["reads"] * key.reads),
            *(_busy(each, name) for name in ("web", "primary", "replicas")),
            f"{_median(each, lambda one: one.batch or 0):.1f}" if key.buys else "",
            f"{_median(each, attrgetter('p50')):,.0f}",
            f"{_median(each, attrgetter('p99')):,.0f}",
        ]
        for key, each in slices.items()
        if key.web == most
    ]
    names = ["CPU of web hosts", "of the primary", "of replicas"]
    heads = [f"database, {most} web", "load", *names, "movements per batch", "p50, ms", "p99, ms"]
    return _table(heads, rows, texts=2)


def _lock(profiles: Profiles, cores: float) -> list[str]:
    rows = [
        [
            _profile_name(key),
            f"{each.measured.purchases:,.0f}",
            f"{each.measured.batch or 0:.1f}",
            f"{each.batch_ms:.0f}",
            *(_percent(each.shares.get(use, 0)) for use in USES),
            f"{each.whole(cores):,.0f}",
        ]
        for key, each in profiles.items()
    ]
    heads = ["the ledger lock", "purchases/s", "movements per batch", "ms from batch to batch"]
    return _table([*heads, *USES, "purchases/s with whole cores, computed"], rows)


def _table(heads: list[str], rows: list[list[str]], *, texts: int = 1) -> list[str]:
    """texts: how many columns are not numbers."""
    line = "|".join(["---"] * texts + ["--:"] * (len(heads) - texts))
    return [f"| {' | '.join(heads)} |", f"|{line}|", *(f"| {' | '.join(row)} |" for row in rows)]


def _profile_name(key: Key) -> str:
    return f"{_short(key.setup)}, {key.web} web"


def _short(setup: Setup) -> str:
    return setup.name.replace("synchronous", "sync.")


def _busy(slices: Sequence[Slice], name: str) -> str:
    """The mean of the hosts of a kind."""
    if not slices[0].used[name]:
        return ""
    return _percent(_median(slices, lambda one: statistics.mean(one.used[name])))


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _spread(slices: Results) -> float:
    """The median, over all figures, of how much their slices differ."""
    spreads: list[float] = []
    for key, each in slices.items():
        values: list[float] = [(_purchases if key.buys else _reads)(one) for one in each]
        spreads.append((max(values) - min(values)) / statistics.median(values))
    return statistics.median(spreads)


def _median(slices: Sequence[Slice], value: Value) -> float:
    return statistics.median(value(one) for one in slices)


def _webs(slices: Results) -> list[int]:
    return sorted({key.web for key in slices})


def _setups(slices: Results) -> list[Setup]:
    """In the order in which they were measured."""
    return list(dict.fromkeys(key.setup for key in slices))
