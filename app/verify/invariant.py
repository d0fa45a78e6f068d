"""What an invariant is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that is always true. sql: selects what contradicts it."""

    name: str
    sql: str
