"""The HTTP interface that starts and stops traffic, for the application on the same machine."""

from typing import Any, cast

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox.common.simulator import current_simulator
from sandbox.traffic.actions import APPROVED, REVIEW
from sandbox.traffic.api import ApiAway
from sandbox.traffic.people import decimal
from sandbox.traffic.traffic import Traffic

_MIN_INTERVAL, _MAX_INTERVAL = 50, 3_600_000

blueprint = Blueprint("control", __name__)


@blueprint.before_request
def refuse_pages() -> ResponseReturnValue | None:
    """Web pages of others must not start traffic in a developer's browser."""
    if "Origin" in request.headers:
        return {"message": "Only programs may use this."}, 403
    return None


@blueprint.get("/health")
def get_health() -> ResponseReturnValue:
    return {"status": "ok"}


@blueprint.get("/status")
def get_status() -> ResponseReturnValue:
    return _status()


@blueprint.post("/start")
def start() -> ResponseReturnValue:
    body = request.get_json(silent=True)
    interval = body.get("interval") if isinstance(body, dict) else None
    if not isinstance(interval, int) or not _MIN_INTERVAL <= interval <= _MAX_INTERVAL:
        message = f"interval must be from {_MIN_INTERVAL} to {_MAX_INTERVAL} milliseconds."
        return {"message": message}, 400
    _traffic().set_interval(interval / 1000)
    return _status()


@blueprint.post("/stop")
def stop() -> ResponseReturnValue:
    _traffic().set_interval(None)
    return _status()


@blueprint.post("/once")
def make_once() -> ResponseReturnValue:
    config = current_simulator().config
    try:
        made = _traffic().once()
    except ApiAway as error:
        return {"message": str(error)}, 503
    return {
        "userId": made.user_id,
        "amount": decimal(made.amount, _traffic().decimals),
        "currency": config.currency,
        "outcome": made.code,
    }


def _status() -> dict[str, Any]:
    traffic = _traffic()
    counts = traffic.counts
    interval = traffic.interval
    return {
        "interval": None if interval is None else round(interval * 1000),
        "made": counts.made,
        "approved": counts.outcomes[APPROVED],
        "declined": counts.declined,
        "underReview": counts.outcomes[REVIEW],
        "failed": counts.failed,
    }


def _traffic() -> Traffic:
    return cast(Traffic, current_simulator().worker)
