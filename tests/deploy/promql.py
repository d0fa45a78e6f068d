"""Which metrics and labels a query of Prometheus names. Not a parser of the whole language: enough
to find a name that does not exist."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.deploy.exported import Metrics

_WORDS: Final = frozenset(
    {"and", "or", "unless", "bool", "offset", "on", "ignoring", "group_left", "group_right"}
)
_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_SELECTOR: Final = re.compile(
    rf"(?P<name>[a-zA-Z_:][\w:]*)\s*(?:\{{(?P<matchers>(?:[^{{}}\"]|{_TEXT})*)\}})?"
)
_MATCHER: Final = re.compile(rf"(?P<label>\w+)\s*(?:=~|!~|!=|=)\s*(?P<value>{_TEXT})")
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric in a query, with the labels that it is selected by, and the values if they are
    exact or alternatives of a regular expression."""

    name: str
    labels: Mapping[str, tuple[str, ...]]


def selectors(query: str) -> Iterator[Selector]:
    """The metrics that a query names. Words before an opening parenthesis are functions."""
    plain = re.sub(r"\[[^\]]*\]", "", _GROUPING.sub("", query))
    # What a matcher compares with is no name.
    position = 0
    while match := _SELECTOR.search(plain, position):
        position = match.end()
        before, after = plain[: match.start()], plain[match.end() :]
        is_number = bool(re.search(r"[\d.]$", before))  # the unit of `offset 10m`
        if before.count('"') % 2 or is_number or match["name"] in _WORDS:
            continue
        if match["matchers"] is None and after.lstrip().startswith("("):
            continue
        yield Selector(match["name"], dict(_matchers(match["matchers"] or "")))


def groupings(query: str) -> frozenset[str]:
    """The labels that a query groups or joins by."""
    return frozenset(
        label.strip()
        for labels in _GROUPING.findall(query)
        for label in labels.split(",")
        if label.strip()
    )


def unknown(query: str, metrics: Metrics) -> list[str]:
    """What a query names that does not exist."""
    found = list(selectors(query))
    missing = [one.name for one in found if one.name not in metrics]
    known = [one for one in found if one.name in metrics]
    missing += [
        f"{one.name}{{{label}}}"
        for one in known
        for label in one.labels
        if label not in metrics[one.name]
    ]
    labels = frozenset().union(*(metrics[one.name] for one in known))
    return missing + sorted(groupings(query) - labels)


def _matchers(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for match in _MATCHER.finditer(text):
        value = match["value"][1:-1]
        yield match["label"], tuple(value.split("|"))
