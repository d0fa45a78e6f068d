"""The merchant's API, compatible with Stripe's: Checkout Sessions and Refunds."""

import hmac
import json
import socket
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.common.modes import Mode
from sandbox.stripe import behaviour, checkouts, forms, ids, refunds, webhooks
from sandbox.stripe.behaviour import Fault
from sandbox.stripe.errors import ApiError
from sandbox.stripe.gateway import current_gateway

blueprint = Blueprint("api", __name__)

#: Status and JSON of a response.
Result = tuple[int, str]

_MAX_KEY_LENGTH = 255
_MAX_TIMES = 1_000_000


@blueprint.get("/health")
def health() -> Response:
    with current_gateway().store.read_transaction():
        return jsonify(status="ok")


@blueprint.post("/v1/checkout/sessions")
def create_session() -> Response:
    def execute(connection: sqlite3.Connection, config: Any) -> dict[str, Any]:
        params = forms.load(forms.SessionIn, request.form.items(multi=True))
        return checkouts.create(connection, config, params).to_json(_base_url())

    return _write(execute)


@blueprint.get("/v1/checkout/sessions/<session_id>")
def get_session(session_id: str) -> Response:
    return _read(lambda connection: checkouts.require(connection, session_id).to_json(_base_url()))


@blueprint.post("/v1/checkout/sessions/<session_id>/expire")
def expire_session(session_id: str) -> Response:
    def execute(connection: sqlite3.Connection, config: Any) -> dict[str, Any]:
        forms.load(forms.EmptyIn, request.form.items(multi=True))
        return checkouts.expire(connection, config, session_id).to_json()

    return _write(execute)


@blueprint.post("/v1/refunds")
def create_refund() -> Response:
    def execute(connection: sqlite3.Connection, config: Any) -> dict[str, Any]:
        params = forms.load(forms.RefundIn, request.form.items(multi=True))
        return refunds.create(connection, config, params)

    return _write(execute)


@blueprint.get("/v1/refunds/<refund_id>")
def get_refund(refund_id: str) -> Response:
    return _read(lambda connection: refunds.require(connection, refund_id))


@blueprint.get("/v1/refunds")
def list_refunds() -> Response:
    intent = request.args.get("payment_intent", "")
    limit = request.args.get("limit", 10, int)
    if not 1 <= limit <= 100:
        raise ApiError("Invalid limit: must be between 1 and 100.", param="limit")

    def query(connection: sqlite3.Connection) -> dict[str, Any]:
        after = request.args.get("starting_after")
        found, more = refunds.list_by_payment(connection, intent, after=after, limit=limit)
        return {"object": "list", "data": found, "has_more": more, "url": "/v1/refunds"}

    return _read(query)


@blueprint.get("/v1/events")
def list_events() -> Response:
    limit = request.args.get("limit", 10, int)
    since = request.args.get("created[gte]", 0, int)
    types = [value for name, value in request.args.items(multi=True) if name.startswith("types[")]
    if not 1 <= limit <= 100:
        raise ApiError("Invalid limit: must be between 1 and 100.", param="limit")

    def query(connection: sqlite3.Connection) -> dict[str, Any]:
        after = request.args.get("starting_after")
        found, more = webhooks.list_events(
            connection, since=since, types=types, after=after, limit=limit
        )
        return {"object": "list", "data": found, "has_more": more, "url": "/v1/events"}

    return _read(query)


@blueprint.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
def unknown_path(rest: str) -> Response:
    _require_key()
    raise ApiError(f"Unrecognized request URL ({request.method}: /v1/{rest}).", status=404)


@blueprint.post("/mode")
def change_behaviour() -> tuple[Response, int]:
    """Accepts only JSON, which a form on another site cannot send."""
    body = request.get_json()
    try:
        mode = Mode(body["mode"]) if "mode" in body else None
        fault = Fault(body["fault"]) if "fault" in body else None
        times = body.get("times")
    except (ValueError, TypeError, AttributeError):
        mode = fault = times = None
    if (mode is None and fault is None) or not (times is None or _is_valid_times(times)):
        message = (
            f"mode must be one of {', '.join(Mode)}, fault one of {', '.join(Fault)}, and times a "
            "positive integer."
        )
        return jsonify(error="VALIDATION_ERROR", message=message), 400
    with current_gateway().store.write_transaction() as connection:
        if mode is not None:
            behaviour.set_mode(connection, mode)
        if fault is not None:
            behaviour.set_fault(connection, fault, times=times)
        current = {
            "mode": behaviour.get_mode(connection),
            "fault": behaviour.get_fault(connection),
        }
    return jsonify(current), 200


def _is_valid_times(times: Any) -> bool:
    return isinstance(times, int) and not isinstance(times, bool) and 0 < times <= _MAX_TIMES


@blueprint.errorhandler(ApiError)
def handle_api_error(error: ApiError) -> Response:
    return _response((error.status, json.dumps(error.to_json())))


def _write(execute: Callable[[sqlite3.Connection, Any], dict[str, Any]]) -> Response:
    """Execute a request once per Idempotency-Key, and simulate the current fault."""
    _require_key()
    gateway = current_gateway()
    fault = _consume_fault()
    with gateway.store.write_transaction() as connection:
        result, replayed = _execute_once(connection, lambda: execute(connection, gateway.config))
    gateway.worker.wake()
    return _apply_fault(fault, _response(result, replayed=replayed))


def _read(query: Callable[[sqlite3.Connection], dict[str, Any]]) -> Response:
    _require_key()
    fault = _consume_fault()
    with current_gateway().store.read_transaction() as connection:
        found = query(connection)
    return _apply_fault(fault, _response((200, json.dumps(found))))


def _execute_once(
    connection: sqlite3.Connection, execute: Callable[[], dict[str, Any]]
) -> tuple[Result, bool]:
    """The result, and whether it is a stored one. Raises ApiError."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _MAX_KEY_LENGTH:
        raise ApiError("Idempotency keys must be 255 characters or less.")
    fingerprint = f"{request.path}?{json.dumps(sorted(request.form.items(multi=True)))}"
    row = connection.execute("SELECT * FROM keys WHERE key = ?", (key,)).fetchone()
    if row is not None and row["request"] != fingerprint:
        raise ApiError(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}'.",
            error_type="idempotency_error",
        )
    if row is not None:
        return (row["status"], row["body"]), True
    try:
        result = 200, json.dumps(execute())
    except ApiError as error:
        if not error.cacheable:
            raise
        result = error.status, json.dumps(error.to_json())
    if key:
        connection.execute(
            "INSERT INTO keys (key, request, status, body, created_at) VALUES (?, ?, ?, ?, ?)",
            (key, fingerprint, *result, time.time()),
        )
    return result, False


def _require_key() -> None:
    expected = current_gateway().config.secret_key
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), expected.encode()):
        return
    if not given:
        raise ApiError("You did not provide an API key.", status=401)
    raise ApiError(f"Invalid API Key provided: {given[:8]}****{given[-4:]}", status=401)


def _consume_fault() -> Fault:
    """The fault to simulate for this request. Raises ApiError if the request must fail."""
    with current_gateway().store.write_transaction() as connection:
        fault = behaviour.consume_fault(connection)
    if fault is Fault.SERVER_ERROR:
        raise ApiError("An unknown error occurred.", status=500, error_type="api_error")
    return fault


def _apply_fault(fault: Fault, response: Response) -> Response:
    """Delay or drop the response to a request that was executed."""
    if fault is Fault.TIMEOUT:
        time.sleep(current_gateway().config.answer_seconds)
    if fault is Fault.LOST_RESPONSE:
        connection: socket.socket = request.environ["werkzeug.socket"]
        connection.shutdown(socket.SHUT_RDWR)
    return response


def _response(result: Result, *, replayed: bool = False) -> Response:
    status, body = result
    response = Response(body, status=status, content_type="application/json")
    response.headers["Request-Id"] = ids.new("req_", length=14)
    if "Idempotency-Key" in request.headers:
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if version := request.headers.get("Stripe-Version"):
        response.headers["Stripe-Version"] = version
    return response


def _base_url() -> str:
    """The URL at which the merchant reaches the gateway."""
    return request.host_url.rstrip("/")
