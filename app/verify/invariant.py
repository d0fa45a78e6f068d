"""The type of an invariant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A condition that must always be true. sql: selects the rows that violate it."""

    name: str
    sql: str
