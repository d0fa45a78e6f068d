"""Limits on the links of giveaways."""

from collections.abc import Callable
from typing import Any, TypeVar

from app.attempts.budgets import GIVEAWAY_LINKS
from app.attempts.http import limits_attempts

View = TypeVar("View", bound=Callable[..., Any])

#: Where the pages that claim giveaways are, below the public address of the application.
PATH = "/giveaways"


def limits_wrong_links(view: View) -> View:
    """Limit requests with the token of no giveaway."""
    return limits_attempts(GIVEAWAY_LINKS, counts=lambda response: response.status_code == 404)(
        view
    )


def link_to(token: str, *, base: str) -> str:
    """The address of the page that claims a giveaway. base: public URL of the application."""
    return f"{base}{PATH}/{token}"
