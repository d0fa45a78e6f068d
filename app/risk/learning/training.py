"""Training a model: needs scikit-learn, which nothing else imports.

The attempts are split by time: the model learns from the older ones, and is evaluated with the
newer ones, as data, by the code that will evaluate it for payments.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.risk.learning import metrics
from app.risk.learning.features import FEATURES
from app.risk.learning.forest import FORMAT, UNIT, Forest, checksum

#: The part of the attempts that the model learns from, in per cent.
LEARNING_PER_CENT: Final = 70
#: Fewer bad attempts, in either part, say nothing.
MIN_BAD: Final = 20
_TREES: Final = 80
_DEPTH: Final = 3
_MIN_LEAF: Final = 20
_RATE: Final = 0.1
_PART: Final = 0.8
_SEED: Final = 20_260_117


class TrainingImpossible(Exception):
    """Why there is no model; one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Example:
    """An attempt of the past whose ending is known. features: as of `features.vector`; rules: what
    the rules say about it, higher for worse."""

    features: list[int]
    is_bad: bool
    rules: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A model as data, how it was evaluated, and the score that one per cent of attempts reach."""

    content: dict[str, Any]
    report: dict[str, Any]
    threshold: int


def train(examples: Sequence[Example]) -> Trained:
    """Train a model. examples: oldest first. Raises TrainingImpossible."""
    split = len(examples) * LEARNING_PER_CENT // 100
    learning, testing = examples[:split], examples[split:]
    counts = [sum(one.is_bad for one in part) for part in (learning, testing)]
    if min(counts) < MIN_BAD or counts[1] == len(testing):
        raise TrainingImpossible(
            f"At least {MIN_BAD} bad attempts are needed in the older {LEARNING_PER_CENT} % and in"
            f" the newer part: there are {counts[0]} and {counts[1]} of {len(examples)} attempts."
        )
    content = _fit(learning)
    forest = Forest.load(content, expected=checksum(content))
    scored = [(forest.score_vector(one.features)[0], one.is_bad) for one in testing]
    report = {
        "learningAttempts": len(learning),
        "learningBad": counts[0],
        "testAttempts": len(testing),
        "testBad": counts[1],
        "model": metrics.evaluate(scored),
        "rules": metrics.evaluate([(one.rules, one.is_bad) for one in testing]),
    }
    return Trained(content, report, metrics.threshold_at(scored, metrics.REVIEWED_PER_CENT))


def _fit(examples: Sequence[Example]) -> dict[str, Any]:
    try:
        from sklearn.ensemble import GradientBoostingClassifier
    except ImportError:
        raise TrainingImpossible(
            "scikit-learn is missing: install the extra `train` of this package."
        ) from None

    classifier = GradientBoostingClassifier(
        n_estimators=_TREES,
        max_depth=_DEPTH,
        min_samples_leaf=_MIN_LEAF,
        learning_rate=_RATE,
        subsample=_PART,
        random_state=_SEED,
    )
    classifier.fit([one.features for one in examples], [one.is_bad for one in examples])
    return exported(classifier, examples)


def exported(classifier: Any, examples: Sequence[Example]) -> dict[str, Any]:
    """A fitted classifier as data. Features are whole numbers, so thresholds can be, too."""
    share = sum(one.is_bad for one in examples) / len(examples)
    return {
        "format": FORMAT,
        "features": list(FEATURES),
        "base": round(math.log(share / (1 - share)) * UNIT),
        "trees": [_tree(estimator.tree_) for (estimator,) in classifier.estimators_.tolist()],
    }


def _tree(tree: Any) -> list[list[int]]:
    """Nodes are in depth-first order, so children come later. The value of an inner node is the
    mean of its leaves, by the number of examples."""
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    features, thresholds = tree.feature.tolist(), tree.threshold.tolist()
    sizes = tree.n_node_samples.tolist()
    values = [found[0][0] * _RATE for found in tree.value.tolist()]
    for node in range(len(left) - 1, -1, -1):
        if left[node] >= 0:
            one, other = left[node], right[node]
            total = sizes[one] + sizes[other]
            values[node] = (values[one] * sizes[one] + values[other] * sizes[other]) / total
    return [
        [features[n], math.floor(thresholds[n]), left[n], right[n], round(values[n] * UNIT)]
        if left[n] >= 0
        else [-1, 0, 0, 0, round(values[n] * UNIT)]
        for n in range(len(left))
    ]
