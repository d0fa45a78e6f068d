"""Charts as SVG: panels one below the other, over the number of connections or over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import log10
from typing import Final

from bench.measurement import Result

#: Requests per second by movement and number of connections.
Rates = Mapping[str, Mapping[int, float]]

_WIDTH: Final = 640
_LEFT, _RIGHT = 70, 90
_TOP, _HEIGHT, _GAP = 64, 130, 58

#: Above so many, points would cover their line.
_DOTS: Final = 20
_COLOURS: Final = ("#2563eb", "#ea580c", "#7c3aed")

_STYLE: Final = (
    "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#334155}"
    ".title{font-size:16px;font-weight:600;fill:#0f172a}.name{font-weight:600;fill:#0f172a}"
    ".grid{stroke:#e2e8f0}.mark{stroke:#94a3b8;stroke-dasharray:4 4}"
    ".line{fill:none;stroke-width:2.5;stroke-linejoin:round}"
)


@dataclass(frozen=True)
class _Panel:
    """lines: name, colour and values of each, one value per place of the axis."""

    title: str
    lines: Sequence[tuple[str, str, Sequence[float]]]


def draw_batches(results: Mapping[int, Result]) -> str:
    """Purchases of one product. results: by number of connections.

    Without batch sizes their panel is omitted.
    """
    measured = list(results.values())
    panels = [
        _Panel("Purchases per second", [("", "#2563eb", [r.per_second for r in measured])]),
        _Panel(
            "Milliseconds per purchase",
            [
                ("p50", "#0d9488", [r.p50 for r in measured]),
                ("p99", "#ea580c", [r.p99 for r in measured]),
            ],
        ),
    ]
    batches = [r.batch for r in measured if r.batch is not None]
    if len(batches) == len(measured):
        panels.insert(0, _Panel("Purchases per transaction (mean)", [("", "#7c3aed", batches)]))
    title = "One product: the more buyers wait, the larger the batches"
    return _draw(title, panels, [str(count) for count in results])


def draw_movements(now: Rates, before: Rates) -> str:
    """The rate of every movement. before: of an earlier version, or empty."""
    panels = [
        _Panel(
            f"{name[0].upper()}{name[1:]}, per second",
            [
                (label, colour, list(rates[name].values()))
                for label, colour, rates in (("before", "#94a3b8", before), ("now", "#2563eb", now))
                if name in rates
            ],
        )
        for name in now
    ]
    counts = next(iter(now.values()))
    return _draw("Movements of money", panels, [str(count) for count in counts])


def draw_over_time(title: str, panels: Mapping[str, Sequence[float]], *, zero: int) -> str:
    """panels: values by title, one each second; zero: the place of what happened, which is marked.

    All have the same length.
    """
    count = len(next(iter(panels.values())))
    seconds = [n - zero for n in range(count)]
    return _draw(
        title,
        [
            _Panel(name, [("", colour, values)])
            for (name, values), colour in zip(panels.items(), cycle(_COLOURS), strict=False)
        ],
        ["" if second % 10 else f"{second:+d}" if second else "0" for second in seconds],
        axis="seconds",
        mark=zero,
    )


def _draw(
    title: str,
    panels: Sequence[_Panel],
    labels: Sequence[str],
    *,
    axis: str = "connections",
    mark: int | None = None,
) -> str:
    """labels: of all places of the axis; mark: one of these places."""
    height = _TOP + len(panels) * (_HEIGHT + _GAP) + 6
    body = [
        _text(24, 28, title, "title"),
        *(_panel(p, _TOP + n * (_HEIGHT + _GAP), labels, mark) for n, p in enumerate(panels)),
        _text(_LEFT + _span() / 2, height - 10, axis, anchor="middle"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">\n'
        f'<style>{_STYLE}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _panel(panel: _Panel, top: float, labels: Sequence[str], mark: int | None) -> str:
    ceiling = _ceiling(max(value for *_, values in panel.lines for value in values))
    xs = [_LEFT + _span() * n / max(len(labels) - 1, 1) for n in range(len(labels))]

    def y(value: float) -> float:
        return top + _HEIGHT * (1 - value / ceiling)

    parts = [_text(_LEFT, top - 12, panel.title, "name")]
    for step in range(5):
        value = ceiling * step / 4
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}"'
            f' y2="{y(value):.1f}"/>'
        )
        parts.append(_text(_LEFT - 8, y(value) + 4, f"{value:,.4g}", anchor="end"))
    parts += [
        _text(x, top + _HEIGHT + 18, label, anchor="middle")
        for x, label in zip(xs, labels, strict=True)
        if label
    ]
    if mark is not None:
        parts.append(
            f'<line class="mark" x1="{xs[mark]:.1f}" x2="{xs[mark]:.1f}" y1="{top}"'
            f' y2="{top + _HEIGHT}"/>'
        )
    for name, colour, values in panel.lines:
        points = [(x, y(value)) for x, value in zip(xs, values, strict=True)]
        path = " ".join(f"{x:.1f},{v:.1f}" for x, v in points)
        parts.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')
        if len(points) <= _DOTS:
            parts += [
                f'<circle cx="{x:.1f}" cy="{v:.1f}" r="3.5" fill="{colour}"/>' for x, v in points
            ]
        last = f"{name} {values[-1]:,.{0 if values[-1] >= 100 else 1}f}".strip()
        parts.append(_text(points[-1][0] + 10, points[-1][1] + 4, last))
    return "\n".join(parts)


def _span() -> float:
    return _WIDTH - _LEFT - _RIGHT


def _ceiling(value: float) -> float:
    """The next round number above, so that a quarter of it is round too."""
    power: float = 10 ** int(log10(max(value, 1)))
    return next(power * step for step in (1, 2, 4, 6, 8, 12) if power * step >= value)


def _text(x: float, y: float, text: str, style: str = "", *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{text}</text>'
