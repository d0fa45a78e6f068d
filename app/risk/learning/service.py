"""Models: trained with the history, in shadow first, and activated like rules.

A model comes with a rule that reads its score, a version of the rule `model`. What holds for rules
holds for it: it is evaluated without effect until an administrator activates it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.common import clock
from app.common.db import reading
from app.common.ids import first_id, new_id
from app.common.pagination import Page, PageRequest
from app.risk import past, rulesets
from app.risk import service as risk
from app.risk.evaluation import MAX_SCORE, Result, Rule, Ruleset
from app.risk.learning import features, repository
from app.risk.learning.errors import ModelNotFound
from app.risk.learning.forest import checksum
from app.risk.learning.models import RiskModel
from app.risk.learning.training import Example, Trained
from app.risk.models import Outcome, RiskRule, RuleOutcome
from app.risk.past import BAD, Ending, PastAttempt

#: The key of the rule that a model comes with.
RULE_KEY: Final = "model"
_BATCH: Final = 1_000
_RANKS: Final = {Outcome.APPROVE: 0, Outcome.REVIEW: 1, Outcome.DECLINE: 2}


class ModelStatus(StrEnum):
    """What the rules that read a model's score do: ACTIVE decides, SHADOW only watches. UNUSED: no
    rule in force reads it."""

    ACTIVE = "ACTIVE"
    SHADOW = "SHADOW"
    UNUSED = "UNUSED"


@dataclass(frozen=True, slots=True)
class ModelInUse:
    """A model with the rules in force that read its score."""

    model: RiskModel
    active: Sequence[Rule]
    shadow: Sequence[Rule]

    @property
    def status(self) -> ModelStatus:
        if self.active:
            return ModelStatus.ACTIVE
        return ModelStatus.SHADOW if self.shadow else ModelStatus.UNUSED


def list_models(session: Session, page: PageRequest) -> Page[ModelInUse]:
    """All models, newest first."""
    found = repository.list_models(session, page)
    rules = rulesets.query_in_force(session)().rules
    return found.with_data(_in_use(model, rules) for model in found.data)


def require_model(session: Session, model_id: UUID) -> ModelInUse:
    """Raises ModelNotFound."""
    found = repository.get_model(session, model_id)
    if found is None:
        raise ModelNotFound
    return _in_use(found, rulesets.query_in_force(session)().rules)


def _in_use(model: RiskModel, rules: Ruleset) -> ModelInUse:
    def reading(candidates: Iterable[Rule]) -> list[Rule]:
        return [
            rule
            for rule in candidates
            if any(each.model == str(model.id) for each in rule.conditions.conditions())
        ]

    return ModelInUse(model, reading(rules.active), reading(rules.shadow))


def read_examples(
    *, starts_at: datetime, ends_at: datetime, on_batch: Callable[[int], None] = lambda _: None
) -> list[Example]:
    """The screened attempts of a period whose ending is known, oldest first, with what the rules in
    force say about them. In short transactions. on_batch: called with the number of attempts."""
    with reading() as session:
        rules = without_models(rulesets.query_in_force(session)().rules)
    after, until = first_id(starts_at), first_id(ends_at)
    found: list[Example] = []
    while True:
        with reading() as session:
            attempts = past.read_batch(session, after=after, until=until, limit=_BATCH)
            endings = past.find_endings(session, attempts)
            found += examples_of(attempts, endings.__getitem__, rules)
        on_batch(len(attempts))
        if len(attempts) < _BATCH:
            return found
        after = attempts[-1].id


def examples_of(
    attempts: Iterable[PastAttempt], ending_of: Callable[[UUID], Ending], rules: Ruleset
) -> list[Example]:
    """The examples among these attempts."""
    found = []
    for attempt in attempts:
        ending = ending_of(attempt.id)
        if ending in BAD or ending is Ending.FINE:
            result = rules.evaluate(
                attempt,
                currency=attempt.decision.currency,
                parameters=rulesets.parameters(),
            )
            found.append(Example(features.vector(attempt), ending in BAD, rank(result)))
    return found


def rank(result: Result) -> int:
    """What rules say about an attempt as one number: the outcome, then the score."""
    return _RANKS[result.outcome] * (MAX_SCORE + 1) + result.score


def without_models(rules: Ruleset) -> Ruleset:
    """The active rules that read no score of a model."""
    return Ruleset(
        rule
        for rule in rules.active
        if all(condition.model is None for condition in rule.conditions.conditions())
    )


def add_model(
    session: Session, trained: Trained, *, starts_at: datetime, ends_at: datetime
) -> RiskModel:
    """Store a trained model with a rule that holds one per cent of payments for review, in shadow.

    Needs the ledger lock. Raises DraftExists if an administrator works on the rule `model`, and
    TooManyRules.
    """
    now, model_id = clock.now(), new_id()
    version = repository.get_last_version(session) + 1
    model = repository.insert_model(
        session,
        id=model_id,
        version=version,
        content=trained.content,
        checksum=checksum(trained.content),
        report=trained.report,
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=now,
    )
    _add_rule(session, model, threshold=trained.threshold)
    audit.record(
        session,
        actor_id=None,
        action="risk-model.train",
        target=("risk_model", model_id),
        details={"version": version, "checksum": model.checksum},
    )
    return model


def _add_rule(session: Session, model: RiskModel, *, threshold: int) -> RiskRule:
    condition: dict[str, Any] = {
        "field": "modelScore",
        "model": str(model.id),
        "operator": ">=",
        "value": threshold,
    }
    rule = risk.create_draft(
        session,
        actor_id=None,
        key=RULE_KEY,
        name=f"Score of model {model.version}",
        description="Trained with the history: see docs/risk-models.md.",
        conditions={"all": [condition]},
        outcome=RuleOutcome.REVIEW.value,
        weight=0,
    )
    return risk.start_shadow(session, actor_id=None, rule_id=rule.id)
