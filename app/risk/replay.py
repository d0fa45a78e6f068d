"""Replays stored decisions: their inputs, evaluated again with the rules of that time, must give
the same result, bit for bit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from app.risk import repository, rulesets
from app.risk.evaluation import PARAMETERS, Parameters, Ruleset, StoredInputs

_BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision as it is stored and as it is replayed, both as canonical JSON."""

    id: UUID
    stored: bytes
    replayed: bytes

    @property
    def agrees(self) -> bool:
        return self.stored == self.replayed


def replay(
    session: Session, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Replayed]:
    """Replay every screened decision of a period, oldest first; None: unbounded."""
    rules = rulesets.Versions(session)
    after: UUID | None = None
    while True:
        rows = repository.list_decisions(
            session, since=since, until=until, after=after, limit=_BATCH
        )
        for row in rows:
            yield replay_decision(row, rules[row.ruleset])
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def replay_decision(row: Any, rules: Ruleset) -> Replayed:
    """Evaluate the stored inputs of a decision with these rules. row: of `risk_decisions`."""
    inputs = rules.unpack(row.inputs)
    parameters = Parameters.of_input(inputs.pop(PARAMETERS))
    result = rules.evaluate(StoredInputs(inputs), currency=row.currency, parameters=parameters)
    return Replayed(
        row.id,
        _canonical(row.outcome, row.score, row.reasons),
        _canonical(result.outcome.value, result.score, result.reasons_as_stored()),
    )


def _canonical(outcome: str, score: int, reasons: Mapping[str, Any]) -> bytes:
    found = {"outcome": outcome, "score": score, "reasons": reasons}
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)
