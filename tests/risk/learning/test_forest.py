"""A model is data that is verified, gives the scores of scikit-learn, and says why."""

import time
from typing import Any
from uuid import uuid4

import pytest

from app.risk.conditions import parse
from app.risk.evaluation import Parameters, Rule, Ruleset, StoredInputs
from app.risk.learning import generated, metrics, training
from app.risk.learning.forest import Forest, ModelInvalid, checksum, probability
from app.risk.learning.store import read_score
from app.risk.learning.training import Example, Trained, TrainingImpossible
from app.risk.models import RuleOutcome
from tests.risk.rules_of_the_installation import rules_of_the_installation

SMALL: dict[str, Any] = {
    "format": 1,
    "features": ["amount", "hour"],
    "base": -2_000_000,
    "trees": [
        [
            [0, 1_000, 1, 2, 100_000],
            [-1, 0, 0, 0, -300_000],
            [1, 5, 3, 4, 500_000],
            [-1, 0, 0, 0, 3_000_000],
            [-1, 0, 0, 0, 200_000],
        ]
    ],
}


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return generated.examples(rules_of_the_installation(), Parameters())


@pytest.fixture(scope="module")
def trained(examples: list[Example]) -> Trained:
    return training.train(examples)


def load(content: dict[str, Any]) -> Forest:
    return Forest.load(content, expected=checksum(content))


def test_a_score_is_that_of_the_leaf_and_its_reasons_are_on_the_way() -> None:
    model = load(SMALL)
    assert model.score({"amount": 1_000, "hour": 3}) == (probability(-2_300_000), {})
    score, reasons = model.score({"amount": 1_001, "hour": 3})
    assert score == probability(1_000_000) == 7_311
    assert reasons == {"hour": 2_500_000, "amount": 400_000}
    assert (probability(-(10**9)), probability(0), probability(10**9)) == (0, 5_000, 10_000)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"features": ["amount", "secret"]},
        {"features": ["amount", "amount"]},
        {"base": 0.5},
        {"trees": []},
        {"trees": [[[0, 1, 1, 1, 0], [-1, 0, 0, 0, 0]]]},
        {"trees": [[[0, 1, 0, 1, 0], [-1, 0, 0, 0, 0]]]},
        {"trees": [[[2, 1, 1, 2, 0], [-1, 0, 0, 0, 0], [-1, 0, 0, 0, 0]]]},
        {"trees": [[[0, 1, 1, 7, 0], [-1, 0, 0, 0, 0]]]},
        {"trees": [[[-1, 0, 0, 0, 0], [-1, 0, 0, 0, 0]]]},
        {"trees": [[[-1, 0, 0, 0, True]]]},
        {"trees": [[[-1, 0, 0, 0, 2**40]]]},
        {"trees": [[["__import__('os')", 0, 0, 0, 0]]]},
        {"extra": 1},
    ],
    ids=str,
)
def test_what_is_no_model_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelInvalid):
        load(SMALL | changes)


def test_a_changed_model_is_refused() -> None:
    changed = SMALL | {"base": -1_999_999}
    with pytest.raises(ModelInvalid, match="checksum"):
        Forest.load(changed, expected=checksum(SMALL))


def test_it_finds_planted_fraud_that_the_rules_alone_do_not(trained: Trained) -> None:
    model, rules = trained.report["model"], trained.report["rules"]
    assert trained.report["testBad"] >= 50
    assert float(model["rocAuc"]) > 0.9
    assert float(model["rocAuc"]) > float(rules["rocAuc"]) + 0.2
    assert float(model["precisionAt1Percent"]) > 0.8
    assert float(model["precisionAt1Percent"]) > float(rules["precisionAt1Percent"]) + 0.2


def test_the_same_history_gives_the_same_model(examples: list[Example], trained: Trained) -> None:
    assert checksum(training.train(examples).content) == checksum(trained.content)


def test_its_scores_are_those_of_scikit_learn(examples: list[Example]) -> None:
    from sklearn.ensemble import GradientBoostingClassifier

    classifier = GradientBoostingClassifier(n_estimators=30, max_depth=3, random_state=1)
    features = [one.features for one in examples]
    classifier.fit(features, [one.is_bad for one in examples])
    model = load(training.exported(classifier, examples))
    expected = classifier.predict_proba(features)[:, 1].tolist()
    found = [model.score_vector(each)[0] for each in features]
    assert all(abs(score - 10_000 * p) <= 1 for score, p in zip(found, expected, strict=True))


def test_figures_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    scored = [(n * 7919 % 50, n % 11 == 0 or n * 7919 % 50 > 45) for n in range(1_000)]
    expected = roc_auc_score([bad for _, bad in scored], [score for score, _ in scored])
    assert metrics.roc_auc(scored) == pytest.approx(expected)
    assert metrics.precision_at([(1, True), (1, False), (0, False)], 100) == pytest.approx(1 / 3)
    # Of equal scores, as many bad ones are found as chance finds.
    assert metrics.precision_at([(1, True)] + [(1, False)] * 99, 1) == pytest.approx(0.01)
    assert metrics.threshold_at([(score, False) for score in range(200)], 1) == 198
    assert metrics.threshold_at([(5, False)] * 200, 1) == 6


def test_a_history_that_says_nothing_trains_no_model(examples: list[Example]) -> None:
    with pytest.raises(TrainingImpossible, match="At least 20 bad attempts"):
        training.train([one for one in examples if not one.is_bad])


def test_with_50_rules_it_takes_far_less_than_3_ms(trained: Trained) -> None:
    model_id = str(uuid4())
    models = {model_id: load(trained.content)}
    score = {"field": "modelScore", "model": model_id, "operator": ">=", "value": 9_000}
    rules = [Rule(uuid4(), "model", 1, parse({"all": [score]}), RuleOutcome.REVIEW, 0)]
    of_installation = rules_of_the_installation().active
    rules += [of_installation[n % len(of_installation)] for n in range(50)]
    ruleset, parameters = Ruleset(rules), Parameters()

    class Inputs(StoredInputs):
        def __missing__(self, name: str) -> Any:
            self[name] = read_score(name, self, models)
            return self[name]

    durations = []
    for _, inputs in list(generated.with_inputs())[:2_000]:
        attempt = Inputs(inputs)
        began = time.thread_time_ns()
        result = ruleset.evaluate(attempt, currency="USD", parameters=parameters)
        durations.append(time.thread_time_ns() - began)
        assert not result.skipped
        assert f"modelReasons.{model_id}" in attempt
    durations.sort()
    assert durations[len(durations) * 99 // 100] < 1_500_000
