"""Whether the process lives, whether it can do its work, and what it has counted."""

import hmac

import redis
from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound

from app.common import cache, db, metrics
from app.common.db import SCHEMA_REVISION
from app.common.errors import Unauthorized
from app.common.http import bearer_token, json_response, settings
from app.common.json_format import dump_json
from app.health import repository

blp = Blueprint("health", __name__, url_prefix="/health")
metrics_blp = Blueprint("metrics", __name__)


@blp.get("/live")
def live() -> Response:
    """The process answers."""
    return json_response(dump_json({"status": "ok"}))


@blp.get("/ready")
def ready() -> Response:
    """200 while requests can be served: the database answers and its schema is ours.

    Redis only makes things faster, so without it we are "degraded", not down.
    """
    database = _database()
    cache_state = _redis()
    checks = {"database": database, "migrations": "unknown", "redis": cache_state}
    if database == "ok":
        checks["migrations"] = _migrations()
    serving = checks["database"] == checks["migrations"] == "ok"
    status = "down" if not serving else "ok" if cache_state == "ok" else "degraded"
    return json_response(dump_json({"status": status, "checks": checks}), 200 if serving else 503)


@metrics_blp.get("/metrics")
def read_metrics() -> Response:
    """The numbers of all web processes, for who has METRICS_TOKEN; without one it is not there."""
    token = settings().metrics_token
    if token is None:
        raise NotFound
    given = bearer_token()
    if given is None or not hmac.compare_digest(given.encode(), token.encode()):
        raise Unauthorized
    return Response(metrics.exposition(), content_type=metrics.MEDIA_TYPE)


def _database() -> str:
    try:
        with db.reading() as session:
            repository.answers(session)
    except Exception:
        return "away"
    return "ok"


def _migrations() -> str:
    try:
        with db.reading() as session:
            applied = repository.applied_revision(session)
    except SQLAlchemyError:
        return "missing"
    return "ok" if applied == SCHEMA_REVISION else "behind"


def _redis() -> str:
    try:
        cache.client().ping()
    except redis.RedisError:
        return "away"
    return "ok"
