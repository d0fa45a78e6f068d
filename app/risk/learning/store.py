"""The models that rules refer to, verified. What cannot be verified is not used."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.risk.conditions import Group
from app.risk.learning import repository
from app.risk.learning.forest import Forest, ModelInvalid

_log = structlog.get_logger()

#: The input with the score of a model, and the one with its reasons, each followed by a dot and the
#: id of the model.
SCORE: Final = "modelScore"
REASONS: Final = "modelReasons"

Models = Mapping[str, Forest]


def load_for(session: Session, groups: Iterable[Group]) -> Models:
    """The models whose scores these conditions read, by id. Without one that is missing or not as
    it was written, the rules that read it are skipped."""
    ids = {
        UUID(condition.model)
        for group in groups
        for condition in group.conditions()
        if condition.model is not None
    }
    found: dict[str, Forest] = {}
    for row in repository.list_by_id(session, ids) if ids else ():
        try:
            found[str(row.id)] = Forest.load(row.content, expected=row.checksum)
        except ModelInvalid as error:
            _log.error("risk model refused", model=str(row.id), reason=str(error))
    return found


def read_score(name: str, inputs: dict[str, Any], models: Models) -> int:
    """The input `modelScore.<id>`, with its reasons added to the inputs.

    Raises KeyError if there is no such input, or no such model.
    """
    field, _, model_id = name.partition(".")
    if field != SCORE:
        raise KeyError(name)
    score, reasons = models[model_id].score(inputs)
    inputs[f"{REASONS}.{model_id}"] = reasons
    return score
