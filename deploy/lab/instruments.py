"""What Prometheus saw of a drill."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from bench import chart
from deploy.lab.hosts import host_of
from deploy.lab.services import monitor

#: Each a number in every second. Rates are means of the last seconds, which hold two scrapes.
WINDOW: Final = 5
PURCHASES: Final = (
    'sum(rate(payment_flow_movements_total{kind="wallet_purchase", outcome="completed"}'
    f"[{WINDOW}s])) or vector(0)"
)
#: Without those of probes.
ERRORS: Final = (
    f'sum(rate(payment_flow_answered_requests_total{{failed="true"}}[{WINDOW}s])) or vector(0)'
)
LEADERS: Final = "sum(patroni_primary) or vector(0)"
#: A series for each target that does not answer, and for each alert.
DOWN: Final = "up == 0"
#: One is always there, and the other as long as there is no Alertmanager.
ALERTS: Final = 'ALERTS{alertname!~"PaymentFlowWatchdog|PaymentFlowAlertsNotSent"}'

#: Without proxies: the address is on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Series = Mapping[float, float]


@dataclass(frozen=True)
class Observed:
    """One value for each second of the drill. fault: the place of the fault.

    purchases, errors: per second; leaders: how many servers of PostgreSQL say that they lead;
    down: by job and host, the seconds without an answer; alerts: `pending` or `firing`, of those
    that there were not before the fault.
    """

    fault: int
    purchases: Sequence[float]
    errors: Sequence[float]
    leaders: Sequence[float]
    down: Mapping[str, int]
    alerts: Mapping[str, str]

    def words(self) -> str:
        """What is remarkable."""
        usual, after = max(self.purchases[: self.fault + 1]), self.purchases[self.fault :]
        below = sum(value < usual / 2 for value in after)
        found = [f"{_text(usual)}/s, then {_text(min(after))}/s at least"]
        if below:
            found.append(f"{below} s below half")
        if peak := max(self.errors[self.fault :]):
            found.append(f"{_text(peak)} errors/s at most")
        if self.down:
            found.append("down: " + ", ".join(f"{k} {s} s" for k, s in sorted(self.down.items())))
        for state in ("firing", "pending"):
            names = sorted(name for name, each in self.alerts.items() if each == state)
            if names:
                found.append(f"{state}: {', '.join(names)}")
        return "; ".join(found)

    def picture(self, title: str) -> str:
        """As SVG."""
        panels = {
            "Purchases per second": self.purchases,
            "Answers with 500 or more, per second": self.errors,
            "Leaders of PostgreSQL": self.leaders,
        }
        return chart.draw_over_time(title, panels, zero=self.fault)


def observe(begin: float, fault: float, end: float) -> Observed:
    """Ask Prometheus for what it saw between two moments."""
    seconds = range(int(begin), int(end) + 1)

    def values(query: str) -> list[float]:
        ((_, series),) = _ask(query, seconds)
        return [series.get(second, 0) for second in seconds]

    after = range(int(fault), seconds.stop)
    earlier = {name["alertname"] for name, _ in _ask(ALERTS, range(seconds.start, after.start))}
    found = [(name["alertname"], name["alertstate"]) for name, _ in _ask(ALERTS, after)]
    alerts = dict(sorted(found, key=itemgetter(1), reverse=True))  # firing replaces pending
    return Observed(
        fault=after.start - seconds.start,
        purchases=values(PURCHASES),
        errors=values(ERRORS),
        leaders=values(LEADERS),
        down={_target(name): len(series) for name, series in _ask(DOWN, after)},
        alerts={
            name.removeprefix("PaymentFlow"): state
            for name, state in alerts.items()
            if name not in earlier
        },
    )


def _text(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _target(labels: Mapping[str, str]) -> str:
    host = host_of(labels["instance"].partition(":")[0])
    return host if host.startswith(labels["job"]) else f"{labels['job']} of {host}"


def _ask(query: str, seconds: range) -> list[tuple[dict[str, str], Series]]:
    """The series of a query with their labels: a value by second."""
    asked = {"query": query, "start": seconds.start, "end": seconds.stop - 1, "step": 1}
    url = f"{monitor.ADDRESS}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
    with _opener.open(url, timeout=10) as response:
        found: list[dict[str, Any]] = json.load(response)["data"]["result"]
    return [(each["metric"], {at: float(text) for at, text in each["values"]}) for each in found]
