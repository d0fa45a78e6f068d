"""How well scores tell bad attempts from good ones."""

from collections.abc import Sequence
from typing import Any, Final

#: Decimals of the figures.
_DIGITS: Final = 4
#: The part of the attempts that could be reviewed.
REVIEWED_PER_CENT: Final = 1

#: Scores and whether the attempts were bad.
Scored = Sequence[tuple[int, bool]]


def evaluate(scored: Scored) -> dict[str, Any]:
    """rocAuc: the probability that a bad attempt has a higher score than a good one, 0.5 for equal
    scores; precisionAt1Percent: the part of the one per cent with the highest scores that is bad.
    As decimal strings."""
    return {
        "rocAuc": f"{roc_auc(scored):.{_DIGITS}f}",
        "precisionAt1Percent": f"{precision_at(scored, REVIEWED_PER_CENT):.{_DIGITS}f}",
    }


def roc_auc(scored: Scored) -> float:
    """The area under the ROC curve, from the sum of ranks (Mann-Whitney). Equal scores share their
    ranks. Needs attempts of both kinds."""
    bad = sum(is_bad for _, is_bad in scored)
    good = len(scored) - bad
    wins, below = 0.0, 0
    for goods, bads in _by_score(scored):
        wins += bads * (below + goods / 2)
        below += goods
    return wins / (bad * good)


def precision_at(scored: Scored, per_cent: int) -> float:
    """The part of the highest scores that is bad. Of equal scores at the border, as many as are
    left are taken at random: the mean of that."""
    wanted = max(len(scored) * per_cent // 100, 1)
    left, found = float(wanted), 0.0
    for goods, bads in reversed(_by_score(scored)):
        taken = min(left, goods + bads)
        found += bads * taken / (goods + bads)
        left -= taken
        if not left:
            break
    return found / wanted


def threshold_at(scored: Scored, per_cent: int) -> int:
    """The lowest score of the highest ones that are at most this part; above all if too many have
    the highest."""
    wanted = max(len(scored) * per_cent // 100, 1)
    scores = sorted((score for score, _ in scored), reverse=True)
    last = scores[wanted - 1]
    tied = len(scores) > wanted and scores[wanted] == last
    return last + 1 if tied else last


def _by_score(scored: Scored) -> list[tuple[int, int]]:
    """Numbers of good and bad attempts of each score, ascending."""
    counts: dict[int, list[int]] = {}
    for score, is_bad in scored:
        counts.setdefault(score, [0, 0])[is_bad] += 1
    return [(counts[score][0], counts[score][1]) for score in sorted(counts)]
