"""The performance targets, as ratios within one run, and whether they were met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bench.measurement import Result

Results = Mapping[str, Result]


@dataclass(frozen=True)
class Target:
    """value: computes the result; raises KeyError when a scenario did not run.

    at_least, at_most: at most one is set; without either the value is informative. aim: a stretch
    goal.
    """

    name: str
    value: Callable[[Results], float]
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None


@dataclass(frozen=True)
class TargetResult:
    target: Target
    value: float

    @property
    def is_met(self) -> bool | None:
        """None when there is no bound."""
        if self.target.at_least is not None:
            return self.value >= self.target.at_least
        if self.target.at_most is not None:
            return self.value <= self.target.at_most
        return None


def evaluate(results: Results) -> list[TargetResult]:
    """The results of all targets whose scenarios have run."""
    evaluated = []
    for target in TARGETS:
        try:
            evaluated.append(TargetResult(target, target.value(results)))
        except KeyError:
            continue
    return evaluated


def _rate(ours: str, *limits: str) -> Callable[[Results], float]:
    """Throughput relative to the best of `limits`."""
    return lambda r: r[ours].per_second / max(r[limit].per_second for limit in limits)


def _pairs(other: str) -> Callable[[Results], float]:
    """Pairs of a hold and a capture, relative to another throughput."""
    return lambda r: r["hold and capture"].per_second / 2 / r[other].per_second


def _slower(name: str) -> Callable[[Results], float]:
    """Latency with a long history relative to a short one."""
    return lambda r: r[f"{name} long"].p50 / r[f"{name} short"].p50


def _lone(r: Results) -> float:
    """Latency relative to the unavoidable parts: an empty request and the transaction alone."""
    return r["lone"].p50 / (r["limit lone"].p50 + r["hello lone"].p50)


def _inexact(r: Results) -> float:
    both = (r["sell-out 50/200"], r["sell-out 1000/5000"])
    return sum(bool(result.wrong) for result in both)


def _pss(r: Results) -> float:
    sizes = [result.pss_mb for result in r.values() if result.pss_mb is not None]
    if not sizes:
        raise KeyError("pss_mb")
    return max(sizes)


def _screening(r: Results) -> float:
    found = r["screening"].screening
    if found is None:
        raise KeyError("screening")
    return found


TARGETS: Final = (
    Target(
        "spread ÷ best limit",
        _rate("spread", "limit spread", "limit spread locked"),
        at_least=2.7,
        aim=3,
    ),
    Target("hot-product ÷ limit", _rate("hot-product", "limit hot-product"), at_least=3, aim=4),
    Target("hot-merchant ÷ limit", _rate("hot-merchant", "limit hot-merchant"), at_least=3, aim=4),
    Target("hot-product ÷ unscreened", _rate("hot-product", "unscreened"), at_least=0.9),
    Target("screening ÷ unscreened", _rate("screening", "unscreened"), at_least=0.9),
    Target("screening with 50 rules p99, ms", _screening, at_most=3),
    Target("deposit ÷ hot-product", _rate("deposit", "hot-product"), at_least=1),
    Target("withdrawal ÷ hot-product", _rate("withdrawal", "hot-product"), at_least=1),
    Target(
        "transfers in a circle ÷ hot-product",
        _rate("transfers in a circle", "hot-product"),
        at_least=0.9,
    ),
    Target(
        "transfers to one ÷ hot-product", _rate("transfers to one", "hot-product"), at_least=0.9
    ),
    Target("pairs of hold and capture ÷ hot-product", _pairs("hot-product"), at_least=0.45),
    Target("mixed ÷ hot-product", _rate("mixed", "hot-product"), at_least=0.8),
    Target("deposit ÷ limit", _rate("deposit", "limit deposit")),
    Target("withdrawal ÷ limit deposit", _rate("withdrawal", "limit deposit")),
    Target(
        "transfers in a circle ÷ limit",
        _rate("transfers in a circle", "limit transfers in a circle"),
    ),
    Target("transfers to one ÷ limit", _rate("transfers to one", "limit transfers to one")),
    Target("pairs of hold and capture ÷ limit", _pairs("limit hold and capture")),
    Target("many-buyers ÷ hot-product", _rate("many-buyers", "hot-product"), at_least=0.9),
    Target("fresh-connections ÷ hot-product", _rate("fresh-connections", "hot-product")),
    Target("codes ÷ hot-product", _rate("codes", "hot-product"), at_least=0.7),
    Target("sell-outs that are inexact", _inexact, at_most=0),
    Target("lone p50 ÷ (limit lone + hello lone)", _lone, at_most=1.3),
    Target("lone p99, ms", lambda r: r["lone"].p99, at_most=10),
    Target("webhook p50 ÷ hello lone", lambda r: r["webhook"].p50 / r["hello lone"].p50),
    Target("webhook p99, ms", lambda r: r["webhook"].p99, at_most=15),
    Target("catalogue ÷ hello", _rate("catalogue", "hello"), at_least=0.6),
    Target("catalogue ÷ hello bare", _rate("catalogue", "hello bare")),
    Target("wallet ÷ hello", _rate("wallet", "hello"), at_least=0.35),
    Target("wallet ÷ hello bare", _rate("wallet", "hello bare")),
    Target("history first page ÷ wallet", _rate("history", "wallet"), at_least=0.6),
    Target("history p50, long ÷ short", _slower("history"), at_most=1.3),
    Target("history deep p50, long ÷ short", _slower("history deep"), at_most=1.3),
    Target("purchase p50, long ÷ short", _slower("purchase"), at_most=1.3),
    Target("PSS of the largest web process, MB", _pss, at_most=120),
)
