"""Webhooks must be signed by their bank."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import request

from app.banks import providers, signing
from app.banks.errors import ProviderNotFound
from app.common import metrics
from app.common.errors import AppError
from app.common.http import Blueprint, raw_body
from app.inbox.errors import SignatureInvalid
from app.inbox.outcomes import OUTCOMES, outcome_of

View = TypeVar("View", bound=Callable[..., Any])

WEBHOOKS: Final = metrics.counter(
    "payment_flow_bank_webhooks_total",
    "Webhooks by bank and outcome",
    "provider",
    "outcome",
)

_HEADERS: Final = {
    "webhook-id": "The bank's id of the event, the same in every delivery",
    "webhook-timestamp": "Seconds since 1970, within five minutes of now",
    "webhook-signature": "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several are "
    "separated by spaces",
}


def initialize_counters() -> None:
    """Create every counter at zero: a rate needs a value before the first increment."""
    for bank in providers.list_all():
        for outcome in OUTCOMES:
            WEBHOOKS.labels(bank.code, outcome)


def from_bank(blueprint: Blueprint) -> Callable[[View], View]:
    """Call the view only for a webhook that a known bank has signed, and count those refused.

    The signature is checked over the raw body, before anything parses it. The view gets `provider`
    as a Provider, and `event_id`. Raises ProviderNotFound, SignatureInvalid.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, provider: str, **kwargs: Any) -> Any:
            bank = providers.get(provider)
            if bank is None:
                raise ProviderNotFound
            try:
                headers = {name: request.headers.get(name, "") for name in signing.HEADERS}
                event_id = signing.verify(bank, headers, raw_body())
                return view(*args, provider=bank, event_id=event_id, **kwargs)
            except AppError as refusal:
                WEBHOOKS.labels(bank.code, outcome_of(refusal)).inc()
                raise

        documented = blueprint.errors(ProviderNotFound, SignatureInvalid)(guarded)
        for name, what in _HEADERS.items():
            header = {"name": name, "description": what, "schema": {"type": "string"}}
            documented = blueprint.takes_header(header)(documented)
        return cast("View", documented)

    return decorate
