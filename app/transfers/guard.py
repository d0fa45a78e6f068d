"""Rate limits against account enumeration."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Response

from app.attempts.budgets import USER_LOOKUPS
from app.attempts.http import limits_attempts
from app.common import ratelimit

View = TypeVar("View", bound=Callable[..., Any])

_SCOPE: Final = "user-lookups"
#: USER_LOOKUPS limits those of a day.
_PER_CALLER: Final = "20/minute;100/hour"
_PER_ADDRESS: Final = "60/minute;600/hour"


def limits_user_lookups(
    *,
    when: Callable[[], bool] = lambda: True,
    counts: Callable[[Response], bool] | None = None,
) -> Callable[[View], View]:
    """Limit lookups of users, over all endpoints that reveal whether a user exists.

    Also limited per IP address, because accounts are free. when: which requests are limited;
    counts: which responses count, all by default.
    """

    def decorate(view: View) -> View:
        view = limits_attempts(USER_LOOKUPS, when=when, counts=counts)(view)
        for limits, by in (_PER_CALLER, ratelimit.caller), (_PER_ADDRESS, ratelimit.address):
            view = ratelimit.shared(limits, by=by, scope=_SCOPE, when=when, counts=counts)(view)
        return view

    return decorate


def reveals_user(response: Response) -> bool:
    """Whether the response reveals something about a user without a visible transfer."""
    return response.status_code in (400, 403, 404, 409)
