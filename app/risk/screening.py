"""Screening the payments of a transaction that has locked the wallets of their payers.

What rules look back on is read once for all payers: the totals of each at its last attempt, and at
the start of each window. Every attempt is then counted in memory, so that the payments of a batch
are decided as one by one, and written with the others (docs/decisions/0030).
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.common import clock, metrics
from app.common.ids import new_id
from app.risk import history, rulesets
from app.risk.attempt import NO_ORIGIN, Attempt, Origin
from app.risk.errors import RiskDeclined
from app.risk.evaluation import MAX_SCORE, PARAMETERS, Result
from app.risk.history import Lookback, Profile
from app.risk.inputs import Inputs
from app.risk.models import Outcome, RiskDecision, RiskDecisionRow
from app.risk.rulesets import InForce

_DECISIONS: Final = metrics.counter(
    "payment_flow_risk_decisions_total", "Payments that were screened", "outcome"
)
_SECONDS: Final = metrics.histogram(
    "payment_flow_risk_decision_seconds", "Time that screening a payment took"
)
_SKIPPED: Final = metrics.counter(
    "payment_flow_risk_rules_skipped_total", "Evaluations of rules that failed", "rule"
)
_log = structlog.get_logger()

#: Characters of an error in the log.
_MAX_CAUSE: Final = 200

#: Errors that say something about a payer: they count as refused attempts.
SUSPICIOUS: Final = frozenset(
    {"INSUFFICIENT_FUNDS", "LIMIT_EXCEEDED", "WALLET_LOCKED", RiskDeclined.code}
)


@dataclass(frozen=True, slots=True)
class Screened:
    """An attempt that was screened, not yet counted. id: of the decision; latency_us: microseconds.

    result: None if no rule is in force.
    """

    id: UUID
    attempt: Attempt
    result: Result | None
    inputs: Mapping[str, Any]
    latency_us: int
    latency_ms: int | None

    @property
    def needs_review(self) -> bool:
        return self.result is not None and self.result.outcome is Outcome.REVIEW

    @property
    def score(self) -> str | None:
        """The score as events and responses show it, 0 to 1."""
        return None if self.result is None else format_score(self.result.score)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A payment that an administrator has released. score: as of `Screened`; latency_ms: from the
    arrival of the administrator's request to the decision, None if that is not known."""

    score: str
    latency_ms: int | None


def format_score(score: int) -> str:
    """A score in ten-thousandths as a decimal string, `0.6000`."""
    return f"{score // MAX_SCORE}.{score % MAX_SCORE:04}"


@dataclass(slots=True)
class Screening:
    """The screening of payments in one currency.

    lookback: what the query for `payers` must have read, a row for each.
    """

    in_force: InForce
    currency: str
    now: datetime
    lookback: Lookback
    payers: Mapping[UUID, Any] = field(default_factory=dict)
    _profiles: dict[UUID, Profile] = field(default_factory=dict)
    _decisions: list[RiskDecision] = field(default_factory=list)

    @classmethod
    def prepare(cls, in_force: InForce, currency: str) -> "Screening":
        """A screening that begins now, before its payers are known."""
        now, rules = clock.now(), in_force.rules
        has_rules = rules.active or rules.shadow
        lookback = Lookback.on(rules.windows, now) if has_rules else Lookback()
        return cls(in_force, currency, now, lookback)

    def screen(self, session: Session, attempt: Attempt, origin: Origin | None) -> Screened:
        """Evaluate the rules in force for an attempt. It counts once it is accepted or refused.

        Raises RiskDeclined, and counts that as a refused attempt.
        """
        rules = self.in_force.rules
        began = time.perf_counter()
        latency_ms = None if origin is None else origin.latency_ms(began)
        if not rules.active and not rules.shadow:
            return Screened(new_id(), attempt, None, {}, 0, latency_ms)
        parameters = rulesets.parameters()
        profile = self._profile(attempt.user_id)
        inputs = Inputs(session, self.in_force, profile, attempt, origin or NO_ORIGIN, self.now)
        result = rules.evaluate(inputs, currency=self.currency, parameters=parameters)
        inputs[PARAMETERS] = parameters.as_input()
        latency_us = int((time.perf_counter() - began) * 1_000_000)
        screened = Screened(new_id(), attempt, result, inputs, latency_us, latency_ms)
        if result.outcome is Outcome.DECLINE:
            self._record(screened, Outcome.DECLINE, code=RiskDeclined.code)
            raise RiskDeclined(screened.id, score=screened.score)
        return screened

    def accept(self, screened: Screened) -> None:
        """Count an attempt that nothing else refuses."""
        if screened.result is not None:
            self._record(screened, screened.result.outcome)

    def refuse(self, attempt: Attempt, code: str) -> None:
        """Count an attempt that was refused with this code, if it says something about the payer.

        A decline is counted already.
        """
        rules = self.in_force.rules
        if code not in SUSPICIOUS or code == RiskDeclined.code or "refused" not in rules.fields:
            return
        if attempt.user_id in self.payers and attempt.amount > 0:
            screened = Screened(new_id(), attempt, None, {}, 0, None)
            self._record(screened, Outcome.REFUSED, code=code)

    def write(self, session: Session) -> None:
        """Write all decisions."""
        if self._decisions:
            history.insert_decisions(session, self._decisions)
            for outcome, count in Counter(row.outcome for row in self._decisions).items():
                _DECISIONS.labels(outcome).inc(count)
            self._decisions = []

    def _profile(self, user_id: UUID) -> Profile:
        profile = self._profiles.get(user_id)
        if profile is None:
            profile = self._profiles[user_id] = self.lookback.profile(self.payers[user_id])
        return profile

    def _record(self, screened: Screened, outcome: Outcome, *, code: str | None = None) -> None:
        attempt, result = screened.attempt, screened.result
        if result is not None:
            _SECONDS.observe(screened.latency_us / 1_000_000)
        profile = self._profile(attempt.user_id)
        profile.count(attempt, is_counted=code is None)
        totals = profile.totals
        profile.last_at = max(clock.now(), profile.last_at or self.now)
        if result is not None and result.skipped:
            _report(result)
        self._decisions.append(
            RiskDecisionRow(
                id=screened.id,
                user_id=attempt.user_id,
                payee_id=attempt.payee_id,
                kind=attempt.kind.value,
                amount=attempt.amount,
                currency=attempt.currency,
                outcome=outcome.value,
                code=code,
                score=None if result is None else result.score,
                ruleset=None if result is None else self.in_force.version,
                inputs=None if result is None else self.in_force.rules.pack(screened.inputs),
                reasons=None if result is None else result.reasons_as_stored(),
                latency_us=None if result is None else screened.latency_us,
                ordinal=profile.ordinal,
                count_total=totals.payments,
                sum_total=totals.sum,
                refused_total=totals.refused,
                created_at=profile.last_at,
            )
        )


def _report(result: Result) -> None:
    for name, cause in zip(result.skipped, result.causes, strict=True):
        _SKIPPED.labels(name).inc()
        _log.warning("risk rule skipped", rule=name, error=repr(cause)[:_MAX_CAUSE])
