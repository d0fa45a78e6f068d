"""Charts as SVG: lines in panels one below the other, over the same numbers or over time, and bars
of shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from math import log10
from typing import Final

from bench.measurement import Result

#: Requests per second by movement and number of connections.
Rates = Mapping[str, Mapping[int, float]]

_WIDTH: Final = 640
_LEFT, _RIGHT = 70, 130
_TOP, _HEIGHT, _GAP = 64, 130, 58

#: Above so many, points would cover their line.
_DOTS: Final = 20
_COLOURS: Final = ("#2563eb", "#ea580c", "#7c3aed")
#: Between two lines of text, and the width of a bar that has room for a label.
_LINE, _LEGIBLE = 15, 36
_SHADES: Final = ("#2563eb", "#0d9488", "#94a3b8", "#cbd5e1", "#ea580c", "#be123c")

_STYLE: Final = (
    "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#334155}"
    ".title{font-size:16px;font-weight:600;fill:#0f172a}.name{font-weight:600;fill:#0f172a}.inside{fill:#fff}"
    ".grid{stroke:#e2e8f0}.mark{stroke:#94a3b8;stroke-dasharray:4 4}"
    ".line{fill:none;stroke-width:2.5;stroke-linejoin:round}"
)


@dataclass(frozen=True)
class Panel:
    """lines: name, colour and values of each, one value for each number below."""

    title: str
    lines: Sequence[tuple[str, str, Sequence[float]]]


def draw_batches(results: Mapping[int, Result]) -> str:
    """Purchases of one product. results: by number of connections.

    Without batch sizes their panel is omitted.
    """
    measured = list(results.values())
    panels = [
        Panel("Purchases per second", [("", "#2563eb", [r.per_second for r in measured])]),
        Panel(
            "Milliseconds per purchase",
            [
                ("p50", "#0d9488", [r.p50 for r in measured]),
                ("p99", "#ea580c", [r.p99 for r in measured]),
            ],
        ),
    ]
    batches = [r.batch for r in measured if r.batch is not None]
    if len(batches) == len(measured):
        panels.insert(0, Panel("Purchases per transaction (mean)", [("", "#7c3aed", batches)]))
    return draw("One product: the more buyers wait, the larger the batches", panels, list(results))


def draw_movements(now: Rates, before: Rates) -> str:
    """The rate of every movement. before: of an earlier version, or empty."""
    panels = [
        Panel(
            f"{name[0].upper()}{name[1:]}, per second",
            [
                (label, colour, list(rates[name].values()))
                for label, colour, rates in (("before", "#94a3b8", before), ("now", "#2563eb", now))
                if name in rates
            ],
        )
        for name in now
    ]
    return draw("Movements of money", panels, list(next(iter(now.values()))))


def draw_over_time(title: str, panels: Mapping[str, Sequence[float]], *, zero: int) -> str:
    """panels: values by title, one each second; zero: the place of what happened, which is marked.

    All have the same length.
    """
    count = len(next(iter(panels.values())))
    seconds = [n - zero for n in range(count)]
    return draw(
        title,
        [
            Panel(name, [("", colour, values)])
            for (name, values), colour in zip(panels.items(), cycle(_COLOURS), strict=False)
        ],
        ["" if second % 10 else f"{second:+d}" if second else "0" for second in seconds],
        below="seconds",
        mark=zero,
    )


def draw(
    title: str,
    panels: Sequence[Panel],
    numbers: Sequence[int | str],
    *,
    below: str = "connections",
    mark: int | None = None,
) -> str:
    """numbers: or labels, some of which may be empty; below: what they are; mark: the place of one
    of them."""
    height = _TOP + len(panels) * (_HEIGHT + _GAP) + 6
    body = [
        _text(24, 28, title, "title"),
        *(_panel(p, _TOP + n * (_HEIGHT + _GAP), numbers, mark) for n, p in enumerate(panels)),
        _text(_LEFT + _span() / 2, height - 10, below, anchor="middle"),
    ]
    return _picture(body, height)


def draw_shares(title: str, rows: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> str:
    """Bars whose parts add up to 1. names: of the parts, in their order."""
    left, span = 190, _WIDTH - 190 - 24
    body = [_text(24, 28, title, "title")]
    shown = [name for name in names if any(parts.get(name) for parts in rows.values())]
    for number, name in enumerate(shown):
        place, line = 24 + 200 * (number % 3), 54 + 22 * (number // 3)
        body.append(_box(place, line - 11, 12, 12, _SHADES[names.index(name)]))
        body.append(_text(place + 18, line, name))
    top = 54 + 22 * -(-len(shown) // 3)
    for number, (row, parts) in enumerate(rows.items()):
        x, y = float(left), top + 38 * number
        body.append(_text(left - 10, y + 18, row, "name", anchor="end"))
        for name in shown:
            width = span * parts.get(name, 0)
            body.append(_box(x, y, width, 26, _SHADES[names.index(name)]))
            if width > _LEGIBLE:
                label = f"{parts[name] * 100:.0f} %"
                body.append(_text(x + width / 2, y + 18, label, "inside", anchor="middle"))
            x += width
    return _picture(body, top + 38 * len(rows) + 8)


def _picture(body: Sequence[str], height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">\n'
        f'<style>{_STYLE}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _panel(panel: Panel, top: float, numbers: Sequence[int | str], mark: int | None) -> str:
    ceiling = _ceiling(max(value for *_, values in panel.lines for value in values))
    xs = [_LEFT + _span() * n / max(len(numbers) - 1, 1) for n in range(len(numbers))]

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
        _text(x, top + _HEIGHT + 18, str(number), anchor="middle")
        for x, number in zip(xs, numbers, strict=True)
        if number != ""
    ]
    if mark is not None:
        parts.append(
            f'<line class="mark" x1="{xs[mark]:.1f}" x2="{xs[mark]:.1f}" y1="{top}"'
            f' y2="{top + _HEIGHT}"/>'
        )
    labels = _apart([y(values[-1]) for *_, values in panel.lines])
    for (name, colour, values), label in zip(panel.lines, labels, strict=True):
        points = [(x, y(value)) for x, value in zip(xs, values, strict=True)]
        path = " ".join(f"{x:.1f},{v:.1f}" for x, v in points)
        parts.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')
        if len(points) <= _DOTS:
            parts += [
                f'<circle cx="{x:.1f}" cy="{v:.1f}" r="3.5" fill="{colour}"/>' for x, v in points
            ]
        last = f"{name} {values[-1]:,.{0 if values[-1] >= 100 else 1}f}".strip()
        parts.append(_text(points[-1][0] + 10, label + 4, last))
    return "\n".join(parts)


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights of labels, moved so that none covers another."""
    moved = list(heights)
    order = sorted(range(len(moved)), key=moved.__getitem__)
    for upper, lower in pairwise(order):
        moved[lower] = max(moved[lower], moved[upper] + _LINE)
    # What has moved down is as much too low as what has not is too high.
    shift = sum(moved) / len(moved) - sum(heights) / len(heights)
    return [height - shift for height in moved]


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _span() -> float:
    return _WIDTH - _LEFT - _RIGHT


def _ceiling(value: float) -> float:
    """The next round number above, so that a quarter of it is round too."""
    power: float = 10 ** int(log10(max(value, 1)))
    return next(power * step for step in (1, 2, 4, 6, 8, 12) if power * step >= value)


def _text(x: float, y: float, text: str, style: str = "", *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{text}</text>'
