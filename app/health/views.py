"""Liveness, readiness and metrics."""

import functools
import hmac
import re

import redis
from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound

from app.common import cache, db, metrics
from app.common.errors import Unauthorized
from app.common.http import bearer_token, json_response, settings
from app.common.json_format import dump_json
from app.common.settings import PROJECT_ROOT
from app.health import repository

blp = Blueprint("health", __name__, url_prefix="/health")
metrics_blp = Blueprint("metrics", __name__)


@blp.get("/live")
def live() -> Response:
    """200 as long as the process handles requests; nothing else is checked."""
    return json_response(dump_json({"status": "ok"}))


@blp.get("/ready")
def ready() -> Response:
    """200 if requests can be served: the database answers, with the schema this code expects.

    Redis is optional for requests, so without it the status is `degraded`, not `down`.
    """
    database, redis_status = _database_status(), _redis_status()
    checks = {"database": database, "migrations": "unknown", "redis": redis_status}
    if database == "ok":
        checks["migrations"] = _migrations_status()
    serving = checks["database"] == checks["migrations"] == "ok"
    status = "down" if not serving else "ok" if redis_status == "ok" else "degraded"
    return json_response(dump_json({"status": status, "checks": checks}), 200 if serving else 503)


@metrics_blp.get("/metrics")
def get_metrics() -> Response:
    """The metrics of all web processes. Raises Unauthorized without the right METRICS_TOKEN.

    Raises NotFound if no METRICS_TOKEN is set.
    """
    token = settings().metrics_token
    if token is None:
        raise NotFound
    given = bearer_token()
    if given is None or not hmac.compare_digest(given.encode(), token.encode()):
        raise Unauthorized
    return Response(metrics.exposition(), content_type=metrics.MEDIA_TYPE)


def _database_status() -> str:
    try:
        with db.reading() as session:
            repository.ping(session)
    except Exception:
        return "away"
    return "ok"


def _migrations_status() -> str:
    try:
        with db.reading() as session:
            revision = repository.get_revision(session)
    except SQLAlchemyError:
        return "missing"
    return "ok" if revision == newest_migration() else "behind"


@functools.cache
def newest_migration() -> str:
    """The revision that this code requires. Read without Alembic, whose import takes 9 MB."""
    newest = max((PROJECT_ROOT / "migrations" / "versions").glob("*.py"))
    (revision,) = re.findall(r'^revision = "(.+)"$', newest.read_text(), re.MULTILINE)
    return str(revision)


def _redis_status() -> str:
    try:
        cache.client().ping()
    except redis.RedisError:
        return "away"
    return "ok"
