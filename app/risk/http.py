"""Where a request came from, as risk screening sees it."""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import orjson
from flask import request

from app.common import ratelimit
from app.common.errors import AppError
from app.common.http import Blueprint, settings
from app.common.middleware import request_began
from app.idempotency.service import StoredResponse
from app.risk import address_counts, rulesets
from app.risk.attempt import Origin
from app.risk.cases.schemas import ReviewOut
from app.risk.screening import SUSPICIOUS

View = TypeVar("View", bound=Callable[..., Any])

_MAX_AGENT_LENGTH: Final = 300


def may_need_review(blueprint: Blueprint) -> Callable[[View], View]:
    """Document the response of an endpoint whose payment may be held until it is reviewed."""

    def decorate(view: View) -> View:
        return cast(
            "View",
            blueprint.alt_response(
                202,
                schema=ReviewOut,
                description="The payment is held until it is reviewed: `GET /wallet/reviews`",
                success=True,
            )(view),
        )

    return decorate


def current_origin(session_id: UUID) -> Origin:
    """The origin of the current request. session_id: of the caller."""
    network = ratelimit.address()
    counts = "refusedAtAddress" in rulesets.fields_in_use()
    # As sign-ins store it, without what PostgreSQL cannot.
    agent = request.headers.get("User-Agent", "")[:_MAX_AGENT_LENGTH].replace("\0", "")
    return Origin(
        request_began() or time.perf_counter(),
        session_id,
        network,
        agent or None,
        _country(),
        address_counts.read(network) if counts else {},
    )


def count_refusal(origin: Origin, outcome: StoredResponse | AppError) -> None:
    """Count a refused attempt of this address, if rules want to know."""
    if origin.network is None or "refusedAtAddress" not in rulesets.fields_in_use():
        return
    code = outcome.code if isinstance(outcome, AppError) else _code_of(outcome)
    if code in SUSPICIOUS:
        address_counts.count(origin.network)


def _code_of(response: StoredResponse) -> str | None:
    """The code of an error that was stored just now."""
    if response.status < 400 or response.replayed:
        return None
    return str(orjson.loads(response.body)["error"])


def _country() -> str | None:
    header = settings().risk_country_header
    if header is None or not settings().trusted_proxies:
        return None
    country = request.headers.get(header, "").strip().upper()
    return country if len(country) == 2 and country.isalpha() and country.isascii() else None
