"""What the merchant's programs call, in Stripe's words: Checkout Sessions and Refunds."""

import hmac
import json
import socket
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.common.modes import Mode
from sandbox.stripe import behaviour, checkouts, forms, ids, refunds
from sandbox.stripe.behaviour import Fault
from sandbox.stripe.gateway import this_gateway
from sandbox.stripe.problems import Problem

blueprint = Blueprint("api", __name__)

#: What an answer is made of: its status and its JSON.
Answer = tuple[int, str]

_LONGEST_KEY = 255
_MOST_TIMES = 1_000_000


@blueprint.get("/health")
def health() -> Response:
    with this_gateway().store.reading():
        return jsonify(status="ok")


@blueprint.post("/v1/checkout/sessions")
def open_session() -> Response:
    def work(connection: sqlite3.Connection, config: Any) -> dict[str, Any]:
        asked = forms.read(forms.SessionIn, request.form.items(multi=True))
        return checkouts.open_session(connection, config, asked).as_answer(_base())

    return _do(work)


@blueprint.get("/v1/checkout/sessions/<session_id>")
def session(session_id: str) -> Response:
    return _tell(lambda connection: checkouts.require(connection, session_id).as_answer(_base()))


@blueprint.post("/v1/checkout/sessions/<session_id>/expire")
def expire_session(session_id: str) -> Response:
    def work(connection: sqlite3.Connection, config: Any) -> dict[str, Any]:
        forms.read(forms.Nothing, request.form.items(multi=True))
        return checkouts.expire(connection, config, session_id).as_answer()

    return _do(work)


@blueprint.post("/v1/refunds")
def make_refund() -> Response:
    def work(connection: sqlite3.Connection, config: Any) -> dict[str, Any]:
        asked = forms.read(forms.RefundIn, request.form.items(multi=True))
        return refunds.make(connection, config, asked)

    return _do(work)


@blueprint.get("/v1/refunds/<refund_id>")
def refund(refund_id: str) -> Response:
    return _tell(lambda connection: refunds.find(connection, refund_id))


@blueprint.get("/v1/refunds")
def list_refunds() -> Response:
    intent = request.args.get("payment_intent", "")
    limit = request.args.get("limit", 10, int)
    if not 1 <= limit <= 100:
        raise Problem("Invalid limit: must be from 1 to 100.", param="limit")

    def look(connection: sqlite3.Connection) -> dict[str, Any]:
        after = request.args.get("starting_after")
        found, more = refunds.of(connection, intent, after=after, limit=limit)
        return {"object": "list", "data": found, "has_more": more, "url": "/v1/refunds"}

    return _tell(look)


@blueprint.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
def unknown(rest: str) -> Response:
    _require_key()
    raise Problem(f"Unrecognized request URL ({request.method}: /v1/{rest}).", status=404)


@blueprint.post("/mode")
def choose_behaviour() -> tuple[Response, int]:
    """JSON only, which no form of another site can send."""
    body = request.get_json()
    try:
        mode = Mode(body["mode"]) if "mode" in body else None
        fault = Fault(body["fault"]) if "fault" in body else None
        times = body.get("times")
    except (ValueError, TypeError, AttributeError):
        mode = fault = times = None
    if (mode is None and fault is None) or not (times is None or _is_count(times)):
        text = f"mode is one of {', '.join(Mode)}; fault one of {', '.join(Fault)}; times a number."
        return jsonify(error="VALIDATION_ERROR", message=text), 400
    with this_gateway().store.writing() as connection:
        if mode is not None:
            behaviour.set_mode(connection, mode)
        if fault is not None:
            behaviour.set_fault(connection, fault, times=times)
        chosen = {"mode": behaviour.mode(connection), "fault": behaviour.fault(connection)}
    return jsonify(chosen), 200


def _is_count(times: Any) -> bool:
    return isinstance(times, int) and not isinstance(times, bool) and 0 < times <= _MOST_TIMES


@blueprint.errorhandler(Problem)
def refuse(problem: Problem) -> Response:
    return _response((problem.status, json.dumps(problem.as_answer())))


def _do(work: Callable[[sqlite3.Connection, Any], dict[str, Any]]) -> Response:
    """Do something once for each Idempotency-Key, in the manner of the fault that is set."""
    _require_key()
    gateway = this_gateway()
    fault = _take_fault()
    with gateway.store.writing() as connection:
        answer, replayed = _once(connection, lambda: work(connection, gateway.config))
    gateway.office.wake()
    return _delay(fault, _response(answer, replayed=replayed))


def _tell(look: Callable[[sqlite3.Connection], dict[str, Any]]) -> Response:
    _require_key()
    fault = _take_fault()
    with this_gateway().store.reading() as connection:
        answer = look(connection)
    return _delay(fault, _response((200, json.dumps(answer))))


def _once(
    connection: sqlite3.Connection, work: Callable[[], dict[str, Any]]
) -> tuple[Answer, bool]:
    """The answer, and whether it is the one that was given before. Raises Problem."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY:
        raise Problem("Idempotency keys must be 255 characters or less.")
    asked = f"{request.path}?{json.dumps(sorted(request.form.items(multi=True)))}"
    row = connection.execute("SELECT * FROM keys WHERE key = ?", (key,)).fetchone()
    if row is not None and row["request"] != asked:
        raise Problem(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}'.",
            kind="idempotency_error",
        )
    if row is not None:
        return (row["status"], row["body"]), True
    try:
        answer = 200, json.dumps(work())
    except Problem as problem:
        if not problem.kept:
            raise
        answer = problem.status, json.dumps(problem.as_answer())
    if key:
        connection.execute(
            "INSERT INTO keys (key, request, status, body, created_at) VALUES (?, ?, ?, ?, ?)",
            (key, asked, *answer, time.time()),
        )
    return answer, False


def _require_key() -> None:
    expected = this_gateway().config.secret_key
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), expected.encode()):
        return
    if not given:
        raise Problem("You did not provide an API key.", status=401)
    raise Problem(f"Invalid API Key provided: {given[:8]}****{given[-4:]}", status=401)


def _take_fault() -> Fault:
    """The fault that this request is to show. Raises Problem when it is to fail at once."""
    with this_gateway().store.writing() as connection:
        fault = behaviour.take_fault(connection)
    if fault is Fault.STUMBLE:
        raise Problem("An unknown error occurred.", status=500, kind="api_error")
    return fault


def _delay(fault: Fault, response: Response) -> Response:
    """What was done is done; how long it takes to say so, and whether it can be heard."""
    if fault is Fault.TIME_OUT:
        time.sleep(this_gateway().config.answer_seconds)
    if fault is Fault.LOST_ANSWER:
        connection: socket.socket = request.environ["werkzeug.socket"]
        connection.shutdown(socket.SHUT_RDWR)
    return response


def _response(answer: Answer, *, replayed: bool = False) -> Response:
    status, body = answer
    response = Response(body, status=status, content_type="application/json")
    response.headers["Request-Id"] = ids.new("req_", length=14)
    if "Idempotency-Key" in request.headers:
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if version := request.headers.get("Stripe-Version"):
        response.headers["Stripe-Version"] = version
    return response


def _base() -> str:
    """The gateway's address as the merchant knows it."""
    return request.host_url.rstrip("/")
