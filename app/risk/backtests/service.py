"""Backtests: what a version of a rule would have decided in the past.

Every screened attempt of a period is evaluated twice: with the rules in force, and with the same
rules where the version replaces the active one of its key. A job does so in batches, each in a
transaction of its own that locks nothing but the backtest.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.common import clock
from app.common.errors import BadRequest
from app.common.ids import first_id, new_id
from app.common.pagination import Page, PageRequest
from app.risk import past, rulesets
from app.risk import service as risk
from app.risk.backtests import report, repository
from app.risk.backtests.errors import BacktestNotFound, TooManyBacktests
from app.risk.backtests.models import BacktestStatus, RiskBacktest
from app.risk.conditions import parse
from app.risk.evaluation import Parameters, Rule, Ruleset
from app.risk.models import RiskRule, RuleOutcome

MAX_PERIOD: Final = timedelta(days=366)
#: Backtests that run at the same time.
MAX_RUNNING: Final = 3
#: Attempts per transaction: about a tenth of a second.
BATCH_SIZE: Final = 500


def create_backtest(
    session: Session,
    *,
    actor_id: UUID | None,
    rule_id: UUID,
    starts_at: datetime,
    ends_at: datetime | None = None,
) -> RiskBacktest:
    """Start the backtest of a version of a rule. actor_id: None for the command line; ends_at: now
    by default.

    Raises RuleNotFound, BadRequest, TooManyBacktests.
    """
    rule, now = risk.require_rule(session, rule_id), clock.now()
    ends_at = min(ends_at or now, now)
    if starts_at >= ends_at:
        raise BadRequest(details={"from": ["Must be before the end of the period."]})
    if ends_at - starts_at > MAX_PERIOD:
        raise BadRequest(details={"from": [f"At most {MAX_PERIOD.days} days before the end."]})
    if repository.count_running(session) >= MAX_RUNNING:
        raise TooManyBacktests
    created = repository.insert_backtest(
        session,
        id=new_id(),
        status=BacktestStatus.RUNNING.value,
        rule=_stored(rule),
        ruleset=rulesets.query_in_force(session)().version,
        parameters=rulesets.parameters().as_input(),
        starts_at=starts_at,
        ends_at=ends_at,
        after_id=first_id(starts_at),
        report=report.new(),
        created_by=actor_id,
        created_at=now,
    )
    audit.record(
        session,
        actor_id=actor_id,
        action="risk-backtest.create",
        target=("risk_backtest", created.id),
        details={"key": rule.key, "version": rule.version},
    )
    return created


def require_backtest(session: Session, backtest_id: UUID) -> RiskBacktest:
    """Raises BacktestNotFound."""
    found = repository.get_backtest(session, backtest_id)
    if found is None:
        raise BacktestNotFound
    return found


def list_backtests(session: Session, page: PageRequest) -> Page[RiskBacktest]:
    """All backtests, newest first."""
    return repository.list_backtests(session, page)


def list_running(session: Session) -> Sequence[UUID]:
    """The backtests that have not finished."""
    return repository.list_running(session, limit=MAX_RUNNING)


def progress(backtest: RiskBacktest) -> int:
    """How much of the period was evaluated, in per cent."""
    if backtest.status == BacktestStatus.COMPLETED:
        return 100
    first, last = first_id(backtest.starts_at).int, first_id(backtest.ends_at).int
    return min(max((backtest.after_id.int - first) * 100 // (last - first), 0), 99)


def evaluate_batch(session: Session, *, backtest_id: UUID, limit: int = BATCH_SIZE) -> int:
    """Evaluate the next attempts of a backtest. Returns their number, 0 once it has finished, or
    while another worker evaluates it."""
    backtest = repository.lock_running(session, backtest_id)
    if backtest is None:
        return 0
    draft, active, names = _rulesets(session, backtest)
    attempts = past.read_batch(
        session,
        after=backtest.after_id,
        until=first_id(backtest.ends_at),
        limit=limit,
        windows=past.windows_of([rule.conditions for rule in (*draft.active, *active.active)]),
        models=rulesets.load_models(session, draft, active),
    )
    parameters = Parameters.of_input(backtest.parameters)
    endings = past.find_endings(session, attempts)
    found: report.Report = _copy(backtest.report)
    for attempt in attempts:
        currency = attempt.decision.currency
        evaluated = report.Evaluated(
            attempt,
            endings[attempt.id],
            draft.evaluate(attempt, currency=currency, parameters=parameters),
            active.evaluate(attempt, currency=currency, parameters=parameters),
        )
        report.add(found, evaluated, names=names)
    backtest.report = found
    if attempts:
        backtest.after_id = attempts[-1].id
    if len(attempts) < limit:
        backtest.status = BacktestStatus.COMPLETED.value
        backtest.finished_at = clock.now()
        return 0
    return len(attempts)


def _rulesets(
    session: Session, backtest: RiskBacktest
) -> tuple[Ruleset, Ruleset, dict[str, str | None]]:
    """The rules with the version that is tested, those in force, and the names of both versions."""
    tested = _restored(backtest.rule)
    in_force = [
        _reordered(rule) for rule in rulesets.read_ruleset(session, backtest.ruleset).active
    ]
    others = [rule for rule in in_force if rule.key != tested.key]
    active = next((rule.name for rule in in_force if rule.key == tested.key), None)
    with_tested = sorted([*others, tested], key=lambda rule: rule.key)
    return Ruleset(with_tested), Ruleset(in_force), {"draft": tested.name, "active": active}


def _reordered(rule: Rule) -> Rule:
    return replace(rule, conditions=past.known_first(rule.conditions))


def _stored(rule: RiskRule) -> dict[str, Any]:
    return {
        "id": str(rule.id),
        "key": rule.key,
        "version": rule.version,
        "conditions": rule.conditions,
        "outcome": rule.outcome,
        "weight": rule.weight,
    }


def _restored(stored: dict[str, Any]) -> Rule:
    return _reordered(
        Rule(
            UUID(stored["id"]),
            stored["key"],
            stored["version"],
            parse(stored["conditions"]),
            RuleOutcome(stored["outcome"]),
            stored["weight"],
        )
    )


def _copy(value: Any) -> Any:
    """A copy that can be changed: a changed value of a column would not be noticed."""
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value
