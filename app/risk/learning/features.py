"""What a model reads about an attempt: whole numbers, from inputs that are known of every one.

All of them are of the time before the attempt, because inputs are. So a model is trained with
exactly what it will read.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.risk.models import PaymentKind

#: Whole numbers up to here are exact in the 32-bit numbers that scikit-learn compares.
_MAX: Final = 2**24 - 1
_UNKNOWN: Final = -1
_TO_BANKS: Final = (PaymentKind.WITHDRAWAL, PaymentKind.PAYOUT)

Inputs = Mapping[str, Any]


def _to_mean(inputs: Inputs) -> int:
    """The amount in per cent of the mean of the user's earlier payments of a month."""
    amount, earlier = inputs["amount"], inputs["count.MONTH"] - 1
    before = inputs["sum.MONTH"] - amount
    return amount * 100 * earlier // before if earlier > 0 and before > 0 else _UNKNOWN


def _share_of_day(inputs: Inputs) -> int:
    """How much of what the user pays in a day is paid within an hour, in per cent."""
    return int(inputs["sum.HOUR"] * 100 // max(inputs["sum.DAY"], 1))


#: Every feature that a model may read, and how it is computed.
FEATURES: Final[Mapping[str, Callable[[Inputs], int]]] = {
    "amount": lambda inputs: inputs["amount"],
    "amountToMean": _to_mean,
    "accountAge": lambda inputs: inputs["accountAge"],
    "hour": lambda inputs: inputs["hour"],
    "countHour": lambda inputs: inputs["count.HOUR"],
    "countDay": lambda inputs: inputs["count.DAY"],
    "countMonth": lambda inputs: inputs["count.MONTH"],
    "sumHour": lambda inputs: inputs["sum.HOUR"],
    "sumDay": lambda inputs: inputs["sum.DAY"],
    "shareOfDay": _share_of_day,
    "refusedDay": lambda inputs: inputs["refused.DAY"],
    "isPurchase": lambda inputs: inputs["type"] == PaymentKind.PURCHASE,
    "isToBank": lambda inputs: inputs["type"] in _TO_BANKS,
}


def vector(inputs: Inputs, names: tuple[str, ...] = tuple(FEATURES)) -> list[int]:
    """The features with these names."""
    return [min(max(int(FEATURES[name](inputs)), _UNKNOWN), _MAX) for name in names]
