"""Liveness, readiness and metrics."""

import hmac

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from app.common import metrics
from app.common.errors import Unauthorized
from app.common.http import bearer_token, json_response, settings
from app.common.json_format import dump_json
from app.health import service

blp = Blueprint("health", __name__, url_prefix="/health")
metrics_blp = Blueprint("metrics", __name__)


@blp.get("/live")
def live() -> Response:
    """200 as long as the process handles requests; nothing else is checked."""
    return json_response(dump_json({"status": "ok"}))


@blp.get("/ready")
def ready() -> Response:
    """200 if requests can be served: the database answers, with the schema this code expects.

    Redis is optional for requests, as is everything that modules report, so with a problem there
    the status is `degraded`, not `down`. What has not answered within a second is away.
    """
    checks = service.check_all()
    # A newer version migrates first, so that this one still serves until it is replaced.
    serving = checks["database"] == "ok" and checks["migrations"] in ("ok", "ahead")
    is_well = all(checks[name] == "ok" for name in checks.keys() - {"migrations"})
    status = "down" if not serving else "ok" if is_well else "degraded"
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
    return Response(metrics.exposition(service.gauges()), content_type=metrics.MEDIA_TYPE)
