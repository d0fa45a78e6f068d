"""The HTTP API of the live process (docs/live.md)."""

import time
from typing import Any, Final

import orjson
import structlog
from quart import Quart, Response, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.common import tracing
from app.common.errors import AppError, BadRequest, Forbidden, Unavailable
from app.common.settings import Settings
from app.live import health, overview, traffic
from app.live.access import Viewer, policy, require_any_viewer, require_overview
from app.live.feed import Feed
from app.live.hub import Hub
from app.live.origins import Origins

#: Answers of requests wait so long for a client that does not read or send.
_SECONDS: Final = 10
_MAX_BODY_BYTES: Final = 4096
_DEFAULT_LIMIT, _MAX_LIMIT = 50, 100
_DEFAULT_INTERVAL, _MIN_INTERVAL, _MAX_INTERVAL = 2000, 50, 3_600_000

_log = structlog.get_logger()


def create_api(settings: Settings, hub: Hub, feed: Feed, origins: Origins) -> Quart:
    """The API as an ASGI application."""
    app = Quart(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=_MAX_BODY_BYTES, BODY_TIMEOUT=_SECONDS, RESPONSE_TIMEOUT=_SECONDS
    )
    _trace(app)
    _restrict_origins(app, origins)
    _add_figures(app, feed, currency=settings.default_currency)
    _add_producer(app, feed)
    _add_health(app, hub, feed)
    _handle_errors(app)
    return app


def _trace(app: Quart) -> None:
    @app.before_request
    async def begin_trace() -> None:
        g.span = tracing.begin(request.headers.get("traceparent"))

    @app.after_request
    async def end_trace(response: Response) -> Response:
        if g.span is not None:
            _end_trace(g.span, response)
        return response


def _restrict_origins(app: Quart, origins: Origins) -> None:
    @app.before_request
    async def allow_origin() -> Response | None:
        origin = request.headers.get("Origin")
        if request.method == "OPTIONS":
            return _with_headers(Response(status=204), origins.preflight_headers(origin))
        origins.require_allowed(origin)
        return None

    @app.after_request
    async def add_headers(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        if request.method == "OPTIONS":
            return response
        return _with_headers(response, origins.headers(request.headers.get("Origin")))


def _add_figures(app: Quart, feed: Feed, *, currency: str) -> None:
    """What has happened. currency: of the sums of money."""
    latest = overview.Overview(feed, currency=currency)

    @app.get("/api/transactions")
    async def list_transactions() -> Response:
        caller = await _viewer(feed)
        limit = _number("limit", request.args.get("limit"), _DEFAULT_LIMIT, 1, _MAX_LIMIT)
        count, data = await latest.transactions(caller, limit)
        return _json(b'{"success":true,"data":%s,"count":%d}' % (data, count))

    @app.get("/api/stats")
    async def get_stats() -> Response:
        require_overview(await _viewer(feed))
        return _json(b'{"success":true,"data":%s}' % await latest.stats())


def _add_producer(app: Quart, feed: Feed) -> None:
    """Transactions of the simulator, on request."""

    @app.post("/api/transactions/generate")
    async def generate() -> Response:
        await _require_producer(feed)
        made = await traffic.generate(feed)
        return _json(
            b'{"success":true,"message":"Transaction generated","transaction":%s}'
            % made.json(with_risk=True)
        )

    @app.post("/api/transactions/producer/start")
    async def start_producer() -> Response:
        await _require_producer(feed)
        body = await _body()
        interval = _number(
            "interval", body.get("interval"), _DEFAULT_INTERVAL, _MIN_INTERVAL, _MAX_INTERVAL
        )
        await traffic.start(feed, interval=interval)
        return _success(f"Producer started: a transaction every {interval} ms")

    @app.post("/api/transactions/producer/stop")
    async def stop_producer() -> Response:
        await _require_producer(feed)
        await traffic.stop(feed)
        return _success("Producer stopped")


def _add_health(app: Quart, hub: Hub, feed: Feed) -> None:
    started_at = time.monotonic()

    @app.get("/api/health")
    async def get_health() -> Response:
        checks = await feed.in_thread(health.check_all)
        is_serving = health.is_serving(checks)
        body = {
            "status": "ok" if is_serving else "down",
            "checks": checks,
            "streams": len(hub),
            "uptime": round(time.monotonic() - started_at),
        }
        return _json(orjson.dumps(body), 200 if is_serving else 503)


async def _viewer(feed: Feed) -> Viewer:
    """Who sends the request. Raises as `require_any_viewer` does."""
    return await feed.in_thread(
        require_any_viewer, request.headers.get("Authorization"), request.args.get("ticket")
    )


async def _require_producer(feed: Feed) -> None:
    """Require that the caller may have transactions made. Raises Forbidden as well."""
    caller = await _viewer(feed)
    if policy().is_production:
        raise Forbidden("No transactions are generated in production.")
    require_overview(caller)


def _handle_errors(app: Quart) -> None:
    @app.errorhandler(AppError)
    async def refuse(error: AppError) -> Response:
        response = _failure(error.text, error.status, error.code)
        response.headers.update(error.headers)
        return response

    @app.errorhandler(HTTPException)
    async def refuse_request(error: HTTPException) -> Response:
        return _failure(error.description or error.name, error.code or 500, error.name)

    @app.errorhandler(DBAPIError)
    @app.errorhandler(PoolTimeout)
    async def database_away(error: Exception) -> Response:
        _log.warning("live_database_unavailable", error=type(error).__name__)
        return await refuse(Unavailable())

    @app.errorhandler(Exception)
    async def fail(_: Exception) -> Response:
        _log.exception("live_request_failed", path=request.path)
        return await refuse(AppError())


def _end_trace(span: tracing.Span, response: Response) -> None:
    rule = request.url_rule
    span.name = request.method if rule is None else f"{request.method} {rule.rule}"
    span.attributes = {
        "http.request.method": request.method,
        "http.response.status_code": response.status_code,
        **({} if rule is None else {"http.route": rule.rule}),
    }
    span.has_failed = response.status_code >= 500
    tracing.end(span)


async def _body() -> dict[str, Any]:
    """The JSON object in the body; empty without one. Raises BadRequest."""
    raw = await request.get_data(as_text=False)
    try:
        body = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError:
        raise BadRequest("The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.")
    return body


def _number(name: str, value: object, default: int, least: int, most: int) -> int:
    """A whole number of the request. Raises BadRequest."""
    if value is None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRequest(f"{name} must be a whole number from {least} to {most}.")
    return value


def _success(message: str) -> Response:
    return _json(orjson.dumps({"success": True, "message": message}))


def _failure(message: str, status: int, code: str) -> Response:
    return _json(orjson.dumps({"success": False, "error": code, "message": message}), status)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")


def _with_headers(response: Response, headers: Any) -> Response:
    for name, value in headers:
        response.headers.add(name.decode(), value.decode("latin-1"))
    return response
