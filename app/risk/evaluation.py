"""Evaluating rules: a pure function of the inputs of an attempt, which are stored with its result.

So a replay evaluates stored inputs again and finds the same result, and a backtest evaluates other
rules. Nothing here reads a clock, a setting or a database.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg

from app.common.money import EXPONENTS
from app.risk import conditions
from app.risk.conditions import Condition, Group, Setting, Type, Window
from app.risk.models import Outcome, RuleOutcome

#: A score of 1.
MAX_SCORE: Final = 10_000
#: A weight of 1.
MAX_WEIGHT: Final = 1_000

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
    "in": lambda value, among: value in among,
    "not in": lambda value, among: value not in among,
}
#: Fields that may be unknown. A condition about an unknown value does not hold.
_MAY_BE_UNKNOWN: Final = frozenset({"country", "refusedAtAddress", "merchant", "productKind"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """Settings that decisions depend on.

    review_above: in units of the currency; review_score, decline_score: ten-thousandths from which
    a score asks for a review, or declines.
    """

    review_above: Decimal = Decimal(5_000)
    review_score: int = 8_000
    decline_score: int = 9_500

    def as_input(self) -> list[Any]:
        """As it is stored among the inputs of a decision."""
        return [str(self.review_above), self.review_score, self.decline_score]

    @classmethod
    def of_input(cls, stored: Sequence[Any]) -> "Parameters":
        above, review_score, decline_score = stored
        return cls(Decimal(above), review_score, decline_score)

    def value_of(self, setting: Setting) -> Decimal:
        return {Setting.REVIEW_ABOVE: self.review_above}[setting]


#: The name of the parameters among the inputs of a decision.
PARAMETERS: Final = "parameters"
#: Stored for an input that no rule has read.
_UNREAD: Final[list[Any]] = []


@dataclass(frozen=True, slots=True)
class Rule:
    """A version of a rule, as it is evaluated. weight: thousandths; problem: why its conditions
    cannot be read, so that it is skipped."""

    id: UUID
    key: str
    version: int
    conditions: Group
    outcome: RuleOutcome
    weight: int
    problem: str | None = None

    @property
    def name(self) -> str:
        """As reasons name it, such as `large-amount@1`."""
        return f"{self.key}@{self.version}"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an evaluation. score: ten-thousandths; reasons: the rules that matched, by
    name; shadow: those that only would have; skipped: those that failed; causes: why, of each."""

    outcome: Outcome
    score: int
    reasons: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    causes: tuple[Exception, ...] = field(default=(), compare=False)

    def reasons_as_stored(self) -> dict[str, Any]:
        if self is _NOTHING_MATCHED:
            return {}
        return {
            name: list(names)
            for name, names in (
                ("rules", self.reasons),
                ("shadow", self.shadow),
                ("skipped", self.skipped),
            )
            if names
        }


#: Of nearly every payment.
_NOTHING_MATCHED: Final = Result(Outcome.APPROVE, 0)


class MissingInput(KeyError):
    """A rule reads an input that was not stored."""


class StoredInputs(dict[str, Any]):
    """The inputs of an earlier decision."""

    def __missing__(self, name: str) -> Any:
        raise MissingInput(name)


#: Whether the inputs of an attempt match.
Matches = Callable[[Mapping[str, Any]], bool]
Compare = Callable[[Any, Any], bool]


class Ruleset:
    """Rules that are evaluated together. windows: those that count or sum something.

    active, shadow: in the order of evaluation.
    """

    def __init__(self, active: Iterable[Rule], shadow: Iterable[Rule] = ()) -> None:
        self.active, self.shadow = tuple(active), tuple(shadow)
        read = [
            condition
            for rule in (*self.active, *self.shadow)
            for condition in rule.conditions.conditions()
        ]
        self.windows = tuple(
            window
            for window in Window
            if any(
                (condition.window is window and condition.field != "refusedAtAddress")
                or (condition.model is not None and window in conditions.MODEL_WINDOWS)
                for condition in read
            )
        )
        # Models read refused attempts, too.
        self.fields = frozenset(condition.field for condition in read) | frozenset(
            "refused" for condition in read if condition.model is not None
        )
        #: What rules may read, in the order in which `pack` stores it. It must never change.
        self._inputs = (PARAMETERS, *dict.fromkeys(condition.input for condition in read))
        # Models read more than conditions name, and what a rule reads that this version of the
        # program cannot read, another one may know.
        self._needs_names = any(condition.model is not None for condition in read) or any(
            rule.problem is not None for rule in (*self.active, *self.shadow)
        )
        self._compiled: dict[tuple[str, Parameters], _Compiled] = {}

    def evaluate(
        self, inputs: Mapping[str, Any], *, currency: str, parameters: Parameters
    ) -> Result:
        """What these rules decide about an attempt with these inputs.

        inputs: by name of `Condition.input`; amounts are minor units of `currency`. They may be
        computed when they are first read, and are always read in the same order. A rule that raises
        is skipped. Raises psycopg.Error if an input cannot be read from the database.
        """
        key = currency, parameters
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = _Compiled(self, currency, parameters)
        return compiled.evaluate(inputs)

    def pack(self, inputs: Mapping[str, Any]) -> list[Any] | Mapping[str, Any]:
        """Inputs as decisions store them: if possible without their names, which these rules tell,
        and which would take most of the space."""
        if self._needs_names:
            return inputs
        return [inputs.get(name, _UNREAD) for name in self._inputs]

    def unpack(self, stored: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that `pack` has stored, or an earlier version with their names."""
        if isinstance(stored, Mapping):
            return dict(stored)
        # A version of the program that cannot read each rule does not know the positions, either.
        names = self._inputs[:1] if self._needs_names else self._inputs
        named = zip(names, stored, strict=False)
        return {name: value for name, value in named if value != _UNREAD}


class _Compiled:
    """A ruleset for one currency, as functions."""

    def __init__(self, rules: Ruleset, currency: str, parameters: Parameters) -> None:
        exempting = [rule for rule in rules.active if rule.outcome is RuleOutcome.APPROVE]
        others = [rule for rule in rules.active if rule.outcome is not RuleOutcome.APPROVE]
        self._exempting, self._others, self._shadow = (
            _CompiledRules(group, currency, parameters)
            for group in (exempting, others, rules.shadow)
        )
        self._parameters = parameters

    def evaluate(self, inputs: Mapping[str, Any]) -> Result:
        skipped: list[tuple[str, Exception]] = []
        matched = self._exempting.matching(inputs, skipped)
        exempt = bool(matched)
        if not exempt:
            matched = self._others.matching(inputs, skipped)
        shadow = self._shadow.matching(inputs, skipped)
        if not (matched or shadow or skipped):
            return _NOTHING_MATCHED
        score = 0 if exempt else _score(matched)
        return Result(
            Outcome.APPROVE if exempt else self._outcome(matched, score),
            score,
            tuple([rule.name for rule in matched]),
            tuple([rule.name for rule in shadow]),
            tuple([name for name, _ in skipped]),
            tuple([cause for _, cause in skipped]),
        )

    def _outcome(self, matched: Sequence[Rule], score: int) -> Outcome:
        if not matched:
            return Outcome.APPROVE
        demanded = {rule.outcome for rule in matched}
        if RuleOutcome.DECLINE in demanded or score >= self._parameters.decline_score:
            return Outcome.DECLINE
        if RuleOutcome.REVIEW in demanded or score >= self._parameters.review_score:
            return Outcome.REVIEW
        return Outcome.APPROVE


class _CompiledRules:
    """Rules in the order of their evaluation.

    Most match nothing, and of many rules most begin alike. So those that cannot match are ruled out
    together: by the input, comparison and value which at least one of them needs.
    """

    def __init__(self, rules: Sequence[Rule], currency: str, parameters: Parameters) -> None:
        self._rules: list[tuple[Rule, Matches]] = []
        #: Positions of rules that fail whatever the inputs are.
        self._failing: set[int] = set()
        opened: dict[tuple[Any, ...], tuple[str, Compare, Any, set[int]]] = {}
        for position, rule in enumerate(rules):
            try:
                matches = _compile_rule(rule, currency, parameters)
            except Exception as cause:
                self._rules.append((rule, _failing(cause)))
                self._failing.add(position)
                continue
            self._rules.append((rule, matches))
            for condition in _openings(rule.conditions):
                name, sign = condition.input, condition.operator
                compare, value = _comparison(condition, currency, parameters)
                if sign == "=":
                    sign, compare, value = "in", _OPERATORS["in"], frozenset({value})
                weakest = _WEAKEST.get(sign)
                key = name, sign, None if weakest else value
                positions = {position}
                if key in opened:
                    *_, known, others = opened[key]
                    positions |= others
                    value = weakest(known, value) if weakest else value
                opened[key] = name, compare, value, positions
        self._opened = list(opened.values())

    def matching(
        self, inputs: Mapping[str, Any], skipped: list[tuple[str, Exception]]
    ) -> list[Rule]:
        """The rules that match. Adds those that fail to `skipped`, with the reason."""
        possible = set(self._failing)
        for name, compare, value, positions in self._opened:
            try:
                if compare(inputs[name], value):
                    possible |= positions
            except psycopg.Error:
                raise
            except Exception:
                possible |= positions  # each of them fails by itself, if it has to
        if not possible:
            return []
        matched = []
        for position in sorted(possible):
            rule, matches = self._rules[position]
            try:
                if matches(inputs):
                    matched.append(rule)
            except psycopg.Error:
                raise  # the transaction has failed, not the rule
            except Exception as cause:
                # A defect of one rule must not stop payments. Decisions show it, and a metric.
                skipped.append((rule.name, cause))
        return matched


#: Of two values, or sets of values, that which an operator holds for more often.
_WEAKEST: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    ">": min,
    ">=": min,
    "<": max,
    "<=": max,
    "in": frozenset.union,
}


def _openings(group: Group) -> Iterator[Condition]:
    """Conditions of which at least one holds if the group does."""
    # Of those that must all hold, the one that is compared first: conditions come before groups.
    first = min(group.nodes, key=lambda node: isinstance(node, Group))
    for node in (first,) if group.needs_all else group.nodes:
        if isinstance(node, Group):
            yield from _openings(node)
        else:
            yield node


def _score(matched: Iterable[Rule]) -> int:
    """1 less the product of what each weight leaves: more rules mean more, and never above 1."""
    left = MAX_SCORE
    for rule in matched:
        left = left * (MAX_WEIGHT - rule.weight) // MAX_WEIGHT
    return MAX_SCORE - left


def _compile_rule(rule: Rule, currency: str, parameters: Parameters) -> Matches:
    if rule.problem is not None:
        raise ValueError(rule.problem)
    return _compile(rule.conditions, currency, parameters)


def _failing(cause: Exception) -> Matches:
    def fail(_: Mapping[str, Any]) -> bool:
        raise cause.with_traceback(None)  # it would grow each time

    return fail


def _compile(group: Group, currency: str, parameters: Parameters) -> Matches:
    # Most groups have conditions only, which are compared without a call of a function of ours.
    tests = [
        (node.input, *_comparison(node, currency, parameters))
        for node in group.nodes
        if isinstance(node, Condition)
    ]
    groups = [
        _compile(node, currency, parameters) for node in group.nodes if isinstance(node, Group)
    ]
    needs_all = group.needs_all

    def every(inputs: Mapping[str, Any]) -> bool:
        for name, compare, value in tests:
            if not compare(inputs[name], value):
                return False
        return all(matches(inputs) for matches in groups) if groups else True

    def some(inputs: Mapping[str, Any]) -> bool:
        for name, compare, value in tests:
            if compare(inputs[name], value):
                return True
        return any(matches(inputs) for matches in groups)

    return every if needs_all else some


def _comparison(condition: Condition, currency: str, parameters: Parameters) -> tuple[Compare, Any]:
    compare, value = _OPERATORS[condition.operator], condition.value
    if conditions.FIELDS[condition.field].type is Type.AMOUNT:
        if isinstance(value, Setting):
            value = parameters.value_of(value)
        # Not rounded: an amount in minor units is compared with a value that may be between two.
        value = value.scaleb(EXPONENTS[currency])
        value = int(value) if value == value.to_integral_value() else value
    # Nothing unknown equals a value, or is among some.
    if condition.field in _MAY_BE_UNKNOWN and condition.operator not in ("=", "in"):
        known = compare

        def compare(actual: Any, expected: Any) -> bool:
            return actual is not None and known(actual, expected)

    return compare, value
