"""Rules are evaluated as they are written, and the same inputs give the same result."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from random import Random
from traceback import walk_tb
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app.risk.conditions import FIELDS, Condition, ConditionsInvalid, Group, parse
from app.risk.evaluation import Parameters, Result, Rule, Ruleset, StoredInputs
from app.risk.models import Outcome, RuleOutcome

DEFAULTS = Parameters()


def rule(
    conditions: Any,
    outcome: RuleOutcome = RuleOutcome.REVIEW,
    *,
    key: str = "rule",
    weight: int = 0,
) -> Rule:
    return Rule(uuid4(), key, 1, parse(conditions), outcome, weight)


def result(
    inputs: Mapping[str, Any],
    *rules: Rule,
    currency: str = "USD",
    parameters: Parameters = DEFAULTS,
) -> Result:
    return Ruleset(rules).evaluate(StoredInputs(inputs), currency=currency, parameters=parameters)


def test_an_amount_is_compared_in_units_of_the_currency() -> None:
    above = rule({"all": [{"field": "amount", "operator": ">", "value": "5000"}]})

    assert result({"amount": 500_000}, above).outcome is Outcome.APPROVE
    assert result({"amount": 500_001}, above).outcome is Outcome.REVIEW
    assert result({"amount": 5_001}, above, currency="JPY").outcome is Outcome.REVIEW
    assert result({"amount": 5_000_000}, above, currency="KWD").outcome is Outcome.APPROVE


def test_a_value_can_be_a_setting() -> None:
    above = rule(
        {"all": [{"field": "amount", "operator": ">", "value": {"setting": "RISK_REVIEW_ABOVE"}}]}
    )
    parameters = Parameters(review_above=Decimal("10.50"))

    assert result({"amount": 1_050}, above, parameters=parameters).outcome is Outcome.APPROVE
    assert result({"amount": 1_051}, above, parameters=parameters).outcome is Outcome.REVIEW


def test_groups_are_combined() -> None:
    nested = rule(
        {
            "all": [
                {"field": "type", "operator": "in", "value": ["TRANSFER", "PAYOUT"]},
                {
                    "any": [
                        {"field": "count", "operator": ">", "value": 3, "window": "MINUTE"},
                        {"field": "newDevice", "operator": "=", "value": True},
                    ]
                },
            ]
        }
    )

    inputs = {"type": "TRANSFER", "count.MINUTE": 1, "newDevice": False}
    assert result(inputs, nested).outcome is Outcome.APPROVE
    assert result(inputs | {"count.MINUTE": 4}, nested).outcome is Outcome.REVIEW
    assert result(inputs | {"newDevice": True}, nested).outcome is Outcome.REVIEW
    assert result(inputs | {"newDevice": True, "type": "HOLD"}, nested).outcome is Outcome.APPROVE


def test_weights_add_up_to_less_than_one_and_decide() -> None:
    always = {"all": [{"field": "coupon", "operator": "=", "value": True}]}
    rules = [rule(always, RuleOutcome.SCORE, key=f"rule-{n}", weight=500) for n in range(5)]

    found = [result({"coupon": True}, *rules[:count]) for count in range(6)]

    assert [one.score for one in found] == [0, 5_000, 7_500, 8_750, 9_375, 9_688]
    assert [one.outcome for one in found] == [
        Outcome.APPROVE,
        Outcome.APPROVE,
        Outcome.APPROVE,
        Outcome.REVIEW,
        Outcome.REVIEW,
        Outcome.DECLINE,
    ]
    assert found[2].reasons == ("rule-0@1", "rule-1@1")


def test_an_exempting_rule_wins_over_all_others() -> None:
    always = {"all": [{"field": "coupon", "operator": "=", "value": True}]}
    allowed = rule(
        {"all": [{"field": "list", "operator": "=", "value": "ALLOW"}]}, RuleOutcome.APPROVE
    )

    declined = rule(always, RuleOutcome.DECLINE, key="other", weight=1000)

    assert result({"list": "ALLOW", "coupon": True}, declined, allowed).outcome is Outcome.APPROVE
    assert result({"list": None, "coupon": True}, declined, allowed).outcome is Outcome.DECLINE


def test_a_rule_that_raises_is_skipped_and_named() -> None:
    broken = rule({"all": [{"field": "hour", "operator": "<", "value": 5}]}, key="broken")
    large = rule({"all": [{"field": "amount", "operator": ">", "value": "1"}]}, key="large")

    found = result({"amount": 101}, broken, large)

    assert (found.outcome, found.reasons, found.skipped) == (
        Outcome.REVIEW,
        ("large@1",),
        ("broken@1",),
    )


def test_a_rule_that_cannot_be_compiled_is_skipped_and_named() -> None:
    unknown = Condition("moon", "=", 1)
    broken = Rule(uuid4(), "broken", 1, Group(True, (unknown,)), RuleOutcome.DECLINE, 0)
    large = rule({"all": [{"field": "amount", "operator": ">", "value": "1"}]}, key="large")

    found = result({"amount": 101}, broken, large)

    assert (found.reasons, found.skipped) == (("large@1",), ("broken@1",))


def test_the_error_of_a_rule_that_cannot_be_read_does_not_grow() -> None:
    conditions = Group(True, ())
    broken = Rule(uuid4(), "broken", 1, conditions, RuleOutcome.DECLINE, 0, problem="unknown")
    rules = Ruleset([broken])

    def evaluate() -> Result:
        return rules.evaluate(StoredInputs(), currency="USD", parameters=DEFAULTS)

    depths = [len(list(walk_tb(evaluate().causes[0].__traceback__))) for _ in range(3)]
    assert len(set(depths)) == 1


@pytest.mark.parametrize("name", ["all", "any"])
def test_a_failure_of_the_database_is_not_one_of_the_rule(name: str) -> None:
    """Its transaction has failed: whatever comes after the rule would fail, too."""

    class Unavailable(StoredInputs):
        def __missing__(self, name: str) -> Any:
            raise psycopg.errors.SerializationFailure(name)

    hour = {"field": "hour", "operator": "<", "value": 5}
    device = {"field": "newDevice", "operator": "=", "value": True}
    rules = Ruleset([rule({name: [hour, device]})])
    inputs = Unavailable({"hour": 4 if name == "all" else 5})

    with pytest.raises(psycopg.errors.SerializationFailure):
        rules.evaluate(inputs, currency="USD", parameters=DEFAULTS)


def test_a_condition_is_read_before_a_group() -> None:
    """It may spare a query of what the group reads."""
    nested = {"any": [{"field": "receivers", "operator": ">", "value": 3, "window": "DAY"}]}
    transfer = {"field": "type", "operator": "=", "value": "TRANSFER"}

    found = result({"type": "PAYOUT"}, rule({"all": [nested, transfer]}))

    assert found == Result(Outcome.APPROVE, 0)


def test_a_rule_in_shadow_has_no_effect() -> None:
    always = rule({"all": [{"field": "coupon", "operator": "=", "value": True}]}, weight=900)
    found = Ruleset((), [always]).evaluate(
        StoredInputs(coupon=True), currency="USD", parameters=DEFAULTS
    )
    assert found == Result(Outcome.APPROVE, 0, shadow=("rule@1",))


def test_what_is_unknown_matches_nothing() -> None:
    for operator, value in (("=", "FR"), ("!=", "FR"), ("not in", ["FR"])):
        country = rule({"all": [{"field": "country", "operator": operator, "value": value}]})
        assert result({"country": None}, country) == Result(Outcome.APPROVE, 0)


def test_many_rules_decide_as_each_of_them_alone() -> None:
    """They are ruled out together, by what at least one of them needs."""
    rng = Random(16)
    numbers: Callable[[], int] = partial(rng.randint, 1, 6)
    texts: Callable[[], str] = partial(rng.choice, ("ITEM", "FILE", "CODES"))

    def node(depth: int) -> dict[str, Any]:
        if depth < 3 and rng.random() < 0.4:
            return group(depth + 1)
        operator = rng.choice(("<", "<=", ">", ">=", "=", "!=", "in", "not in"))
        if operator in ("in", "not in"):
            return {"field": "productKind", "operator": operator, "value": [texts(), texts()]}
        if operator in ("=", "!=") and rng.random() < 0.5:
            return {"field": "productKind", "operator": operator, "value": texts()}
        return {"field": rng.choice(("hour", "share")), "operator": operator, "value": numbers()}

    def group(depth: int) -> dict[str, Any]:
        name = rng.choice(("all", "any"))
        return {name: [node(depth) for _ in range(rng.randint(1, 3))]}

    rules = [rule(group(1), RuleOutcome.SCORE, key=f"rule-{n}", weight=n) for n in range(200)]
    together, each_alone = Ruleset(rules), [Ruleset([each]) for each in rules]

    def reasons(of: Ruleset, inputs: dict[str, Any]) -> tuple[str, ...]:
        return of.evaluate(StoredInputs(inputs), currency="USD", parameters=DEFAULTS).reasons

    matched: set[str] = set()
    for _ in range(300):
        inputs = {"hour": numbers(), "share": numbers(), "productKind": texts()}
        alone = tuple(name for one in each_alone for name in reasons(one, inputs))
        assert reasons(together, inputs) == alone
        assert 0 < len(alone) < len(rules)
        matched.update(alone)
    assert len(matched) > 150, "most rules match now and then"


def test_an_input_that_was_not_needed_is_not_missed() -> None:
    """Earlier versions have stored no input that comes after the one that decided."""
    either = rule(
        {
            "any": [
                {"field": "hour", "operator": "<", "value": 5},
                {"field": "newDevice", "operator": "=", "value": True},
            ]
        }
    )
    found = result({"hour": 4}, either)
    assert (found.reasons, found.skipped) == (("rule@1",), ())


def test_inputs_are_packed_without_their_names() -> None:
    country = {"field": "country", "operator": "=", "value": "FR"}
    hour = {"field": "hour", "operator": "<", "value": 5}
    rules = Ruleset([rule({"all": [country, hour]})], [rule({"all": [hour]})])
    parameters = DEFAULTS.as_input()

    read = {"country": None, "parameters": parameters}
    assert rules.pack(read) == [parameters, None, []]
    assert rules.unpack(rules.pack(read)) == read
    assert rules.unpack(rules.pack(read | {"hour": 0})) == read | {"hour": 0}
    assert rules.unpack(read) == read, "earlier versions have stored the names"


def test_inputs_without_names_are_not_guessed() -> None:
    """A version of the program that cannot read a rule does not know where they are."""
    hour = rule({"all": [{"field": "hour", "operator": "<", "value": 5}]})
    unread = Rule(uuid4(), "new", 1, Group(True, ()), RuleOutcome.SCORE, 0, problem="unknown")
    parameters = DEFAULTS.as_input()

    assert Ruleset([unread, hour]).unpack([parameters, "DE", 3]) == {"parameters": parameters}


@pytest.mark.parametrize(
    "conditions",
    [
        None,
        [],
        {},
        {"all": []},
        {"all": {}},
        {"none": [{"field": "hour", "operator": "=", "value": 1}]},
        {"all": ["hour = 1"]},
        {"all": [{"field": "colour", "operator": "=", "value": "red"}]},
        {"all": [{"field": ["hour"], "operator": "=", "value": 1}]},
        {"all": [{"field": "hour", "operator": "in", "value": [1]}]},
        {"all": [{"field": "hour", "operator": "=", "value": True}]},
        {"all": [{"field": "hour", "operator": "=", "value": 1.5}]},
        {"all": [{"field": "hour", "operator": "=", "value": 1, "window": "DAY"}]},
        {"all": [{"field": "hour", "operator": "=", "value": 1, "else": 2}]},
        {"all": [{"field": "count", "operator": ">", "value": 1}]},
        {"all": [{"field": "count", "operator": ">", "value": 1, "window": "YEAR"}]},
        {"all": [{"field": "amount", "operator": ">", "value": 5000}]},
        {"all": [{"field": "amount", "operator": ">", "value": "NaN"}]},
        {"all": [{"field": "amount", "operator": ">", "value": "-1"}]},
        {"all": [{"field": "amount", "operator": ">", "value": {"setting": "JWT_SECRET"}}]},
        {"all": [{"field": "type", "operator": "=", "value": "LOTTERY"}]},
        {"all": [{"field": "type", "operator": "in", "value": "HOLD"}]},
        {"all": [{"field": "merchant", "operator": "=", "value": "me"}]},
        {"all": [{"all": [{"all": [{"all": []}]}]}]},
        {"all": [{"field": "hour", "operator": "=", "value": 1}] * 31},
    ],
)
def test_conditions_are_checked(conditions: Any) -> None:
    with pytest.raises(ConditionsInvalid):
        parse(conditions)


def test_every_field_is_described() -> None:
    assert all(field.description for field in FIELDS.values())
