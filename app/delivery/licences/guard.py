"""Keeping strangers from trying out licence keys."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Response

from app.common.ratelimit import per_address, per_address_together
from app.delivery.licences.errors import LicenceNotFound

View = TypeVar("View", bound=Callable[..., Any])

_WRONG_KEYS: Final = "60/minute;600/hour;2000/day"
#: Many machines of a company may have one address.
_ALL: Final = "1200/minute"


def takes_keys(view: View) -> View:
    """Limit what an address may ask: much with keys that are right, little with wrong ones.

    Wrong keys count at all endpoints together.
    """
    limited = per_address(_ALL)(view)
    return per_address_together(_WRONG_KEYS, scope="licence-keys", counts=_was_wrong)(limited)


def _was_wrong(answer: Response) -> bool:
    return (
        answer.status_code == LicenceNotFound.status
        and answer.get_json()["error"] == LicenceNotFound.code
    )
