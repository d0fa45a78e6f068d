"""A trained model as data: decision trees of whole numbers, verified before anything reads them.

    {"format": 1, "features": ["amount", "hour"], "base": -4595120, "trees": [[NODE, ...], ...]}

A NODE is `[feature, threshold, left, right, value]`: the position of a feature, whose values up to
the threshold go left; the positions of both nodes, which come later in the tree; and the expected
value, in millionths of log-odds. A leaf is `[-1, 0, 0, 0, value]`. The root is first.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from app.risk.learning.features import FEATURES, vector

FORMAT: Final = 1
#: A score of 1, as of `evaluation.MAX_SCORE`.
MAX_SCORE: Final = 10_000
#: Log-odds of 1.
UNIT: Final = 1_000_000
#: Reasons that are kept with a score.
MAX_REASONS: Final = 3
_MAX_TREES: Final = 500
_MAX_NODES: Final = 127
_MAX_NUMBER: Final = 2**31
_LEAF: Final = -1

#: (feature, threshold, left, right, value); a leaf has the feature -1.
_Node = tuple[int, int, Any, Any, int]


class ModelInvalid(Exception):
    """A model that must not be used: its data are not as they were written, or no model."""


def checksum(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Forest:
    """A verified model."""

    def __init__(self, features: tuple[str, ...], base: int, trees: Sequence[_Node]) -> None:
        self.features, self._base, self._trees = features, base, tuple(trees)

    @classmethod
    def load(cls, content: Any, *, expected: str) -> "Forest":
        """The model with this content. expected: its checksum.

        Raises ModelInvalid.
        """
        if not isinstance(content, dict) or content.keys() != {
            "format",
            "features",
            "base",
            "trees",
        }:
            raise ModelInvalid("It is no model.")
        if not hmac.compare_digest(checksum(content), expected):
            raise ModelInvalid("Its checksum differs.")
        features, trees = content["features"], content["trees"]
        if content["format"] != FORMAT or not _is_number(content["base"]):
            raise ModelInvalid("Its format is unknown.")
        if not isinstance(features, list) or not features or len(set(features)) != len(features):
            raise ModelInvalid("Its features are no list of names.")
        if unknown := [name for name in features if name not in FEATURES]:
            raise ModelInvalid(f"It reads unknown features: {unknown}.")
        if not isinstance(trees, list) or not 0 < len(trees) <= _MAX_TREES:
            raise ModelInvalid("It has no trees, or too many.")
        return cls(tuple(features), content["base"], [_tree(tree, len(features)) for tree in trees])

    def score(self, inputs: Mapping[str, Any]) -> tuple[int, dict[str, int]]:
        """The score of an attempt, 0 to 10,000, and its reasons: the features that raise it most,
        each with what it adds to the log-odds, in millionths."""
        return self.score_vector(vector(inputs, self.features))

    def score_vector(self, values: Sequence[int]) -> tuple[int, dict[str, int]]:
        """The same for the values of the model's features.

        A feature contributes the difference that its nodes make on the way to the leaf.
        """
        total, added = self._base, [0] * len(values)
        for node in self._trees:
            feature, threshold, left, right, value = node
            while feature >= 0:
                at = feature
                before = value
                feature, threshold, left, right, value = left if values[at] <= threshold else right
                added[at] += value - before
            total += value
        largest = sorted(range(len(added)), key=added.__getitem__, reverse=True)[:MAX_REASONS]
        reasons = {self.features[n]: added[n] for n in largest if added[n] > 0}
        return probability(total), reasons


def probability(log_odds: int) -> int:
    """Log-odds in millionths as ten-thousandths."""
    bounded = min(max(log_odds / UNIT, -30.0), 30.0)
    return round(MAX_SCORE / (1 + math.exp(-bounded)))


def _tree(nodes: Any, features: int) -> _Node:
    """The root of a tree. Raises ModelInvalid."""
    if not isinstance(nodes, list) or not 0 < len(nodes) <= _MAX_NODES:
        raise ModelInvalid("A tree is no list of nodes, or too large.")
    built: dict[int, _Node] = {}
    # From the end: children come after their parents, so there is no way back.
    for position in range(len(nodes) - 1, -1, -1):
        node = nodes[position]
        if not isinstance(node, list) or len(node) != 5 or not all(map(_is_number, node)):
            raise ModelInvalid("A node is no list of five whole numbers.")
        feature, threshold, left, right, value = node
        if feature == _LEAF:
            built[position] = (_LEAF, 0, None, None, value)
            continue
        if not 0 <= feature < features or left == right:
            raise ModelInvalid("A node reads an unknown feature, or does not decide.")
        if left not in built or right not in built:
            raise ModelInvalid("A node leads nowhere, or back.")
        built[position] = (feature, threshold, built.pop(left), built.pop(right), value)
    if built.keys() != {0}:
        raise ModelInvalid("A node is never reached.")
    return built[0]


def _is_number(value: Any) -> bool:
    return type(value) is int and abs(value) <= _MAX_NUMBER
