"""Webhooks must be signed by the gateway."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import request

from app.common import metrics
from app.common.errors import AppError
from app.common.http import Blueprint, raw_body
from app.gateway import service
from app.gateway.errors import GatewayNotConfigured
from app.inbox.errors import SignatureInvalid
from app.inbox.outcomes import OUTCOMES, outcome_of

View = TypeVar("View", bound=Callable[..., Any])

WEBHOOKS: Final = metrics.counter(
    "payment_flow_gateway_webhooks_total",
    "Webhooks of the payment gateway by outcome",
    "outcome",
)
_OUTCOMES: Final = (*OUTCOMES, "ignored")

_HEADER: Final = {
    "name": "Stripe-Signature",
    "description": "`t=` and seconds since 1970, within five minutes of now, then `,v1=` and "
    "HMAC-SHA256 in hex over `time.body`; several `v1` are allowed",
    "schema": {"type": "string"},
}


def initialize_counters() -> None:
    """Create every counter at zero: a rate needs a value before the first increment."""
    for outcome in _OUTCOMES:
        WEBHOOKS.labels(outcome)


def from_gateway(blueprint: Blueprint) -> Callable[[View], View]:
    """Call the view only for a signed webhook, and count those that are refused.

    The signature is checked over the raw body, before anything parses it. Raises SignatureInvalid,
    GatewayNotConfigured.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                service.verify_signature(request.headers.get("Stripe-Signature", ""), raw_body())
                return view(*args, **kwargs)
            except AppError as refusal:
                WEBHOOKS.labels(outcome_of(refusal)).inc()
                raise

        documented = blueprint.errors(SignatureInvalid, GatewayNotConfigured)(guarded)
        return cast("View", blueprint.takes_header(_HEADER)(documented))

    return decorate
