"""HTTP: parsing of requests and rendering of responses."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlencode

import marshmallow as ma
import orjson
from apispec import APISpec
from flask import Flask, Request, Response, request
from flask.json.provider import JSONProvider
from flask_smorest.utils import prepare_response
from webargs import missing
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from app.common import cors, deadline, openapi, pagination
from app.common.body_limit import MAX_BODY_BYTES
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.errors import (
    AppError,
    BadRequest,
    BodyIncomplete,
    BodyTooLarge,
    LengthRequired,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)
from app.common.examples import EXAMPLE_ID
from app.common.json_format import MalformedJson, dump_json, parse_json
from app.common.middleware import RequestMiddleware, caller_id, caller_or_address, has_caller
from app.common.process_state import Slot
from app.common.settings import Settings

_CHUNK_BYTES: Final = 64 * 1024

#: Where the WSGI environment keeps the parsed body.
_PARSED_BODY: Final = "payment_flow.parsed_body"
#: JSON is UTF-8 (RFC 8259, 8.1), of which ASCII is a part.
_JSON_CHARSETS: Final = ("utf-8", "utf8", "us-ascii")
#: Where marshmallow reports what concerns no field.
_WHOLE: Final = "_schema"
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
#: Longer query strings are not cached, so that the cache stays small.
_MAX_CACHED_QUERY: Final = 256

View = TypeVar("View", bound=Callable[..., Any])

#: Request bodies of more than MAX_BODY_BYTES that this process receives at a time.
large_bodies: Final = ConcurrencyLimiter(16, per_caller=2)


def peek_json() -> Any:
    """The parsed body, for decorators; None if the view will reject it.

    It uses the view's parser, because two parsers would disagree about edge cases.
    """
    try:
        return _parsed_body()
    except AppError:
        return None


def _parsed_body() -> Any:
    """The JSON of the body, parsed once. Raises BodyTooLarge, MalformedJson."""
    environ = request.environ
    if _PARSED_BODY not in environ:
        environ[_PARSED_BODY] = parse_json(raw_body())
    return environ[_PARSED_BODY]


def raw_body(*, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The raw body of the request, up to `max_bytes`. Raises BodyTooLarge.

    Raises Unavailable if it may be large, and too many of those are being received.
    """
    request.max_content_length = max_bytes + 1
    try:
        with _receiving(max_bytes):
            raw = request.get_data(cache=True)
    except RequestEntityTooLarge:
        raw = None
    if raw is None or len(raw) > max_bytes:
        raise BodyTooLarge(f"The body is larger than {max_bytes // 1024} KiB")
    return raw


@contextmanager
def _receiving(max_bytes: int) -> Iterator[None]:
    """Count a body that occupies the thread of its request while the client sends it."""
    # The web server has received all others before.
    is_large = max_bytes > MAX_BODY_BYTES and not hasattr(request, "_cached_data")
    release = large_bodies.acquire(caller_or_address()) if is_large else None
    try:
        yield
    finally:
        if release is not None:
            release()


def body_chunks(*, max_bytes: int) -> Iterator[bytes]:
    """The body of the request in chunks, up to `max_bytes`, for bodies too large for memory.

    The web server reports a lost connection as the end of the body. Only Content-Length shows
    whether the body is complete, so the header is required.
    Raises BodyTooLarge, LengthRequired, BodyIncomplete, and Unavailable if too many large bodies
    are being received.
    """
    length = request.content_length
    if (length or 0) > max_bytes:
        raise BodyTooLarge(f"The body is larger than {max_bytes // 1024**2} MiB")
    request.max_content_length = max_bytes + 1
    received = 0
    # A decorator may have read all of it already.
    source = BytesIO(request.get_data()) if hasattr(request, "_cached_data") else request.stream
    with _receiving(max_bytes):
        while chunk := source.read(_CHUNK_BYTES):
            if length is None:
                raise LengthRequired
            received += len(chunk)
            deadline.extend()  # the client's time is not ours
            yield chunk
    if received < (length or 0):
        raise BodyIncomplete


class StrictParser(FlaskParser):
    """webargs with our error body, and with JSON as the only media type of JSON bodies."""

    DEFAULT_VALIDATION_STATUS = 400

    def parse(
        self,
        argmap: Any,
        req: Request | None = None,
        *,
        location: str | None = None,
        **options: Any,
    ) -> Any:
        if location != "query" or len(request.query_string) > _MAX_CACHED_QUERY:
            return super().parse(argmap, req, location=location, **options)
        # Cursors are valid for their caller only.
        caller = _caller() if isinstance(argmap, pagination.PageArgs) else ""
        return dict(self._parse_query(argmap, request.path, request.query_string, caller))

    # The result depends on these only, and few of them are frequent.
    @lru_cache(maxsize=1024)  # noqa: B019 – the only parser lives as long as the process
    def _parse_query(
        self, schema: ma.Schema, _path: str, _query: bytes, _caller: str
    ) -> Mapping[str, Any]:
        return super().parse(schema, location="query")  # type: ignore[no-any-return]

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        if not raw_body():
            return missing
        if not req.is_json:
            raise UnsupportedMediaType
        if req.mimetype_params.get("charset", "utf-8").lower() not in _JSON_CHARSETS:
            raise UnsupportedMediaType("Send JSON in UTF-8")
        return _parsed_body()

    def handle_error(self, error: ma.ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        messages = error.messages_dict
        (by_field,) = messages.values() if len(messages) == 1 else (messages,)
        if not isinstance(by_field, dict):
            by_field = {_WHOLE: by_field}
        if "json" in messages and _WHOLE in by_field:
            by_field = {"body" if k == _WHOLE else k: v for k, v in by_field.items()}
        raise BadRequest(details={str(k): _flat(v) for k, v in by_field.items()}) from error


def _caller() -> str:
    """The user ID of the caller; empty where no credential is needed."""
    return caller_id() if has_caller() else ""


def _flat(messages: Any) -> list[str]:
    """Messages of a field, those of its parts included, as one list."""
    if isinstance(messages, dict):
        return [text for part in messages.values() for text in _flat(part)]
    return [str(text) for text in messages] if isinstance(messages, list) else [str(messages)]


class Blueprint(openapi.Blueprint):
    """The documented blueprint with our parser, and with every error in the document."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_errors_doc)

    def arguments(self, schema: type[ma.Schema], **options: Any) -> Callable[[View], View]:
        """As flask-smorest's, with the schema created once instead of for every request."""
        return super().arguments(schema(), **options)  # type: ignore[no-any-return]

    @staticmethod
    def _prepare_errors_doc(
        doc: dict[str, Any], doc_info: dict[str, Any], *, spec: APISpec, **_: Any
    ) -> dict[str, Any]:
        errors = [TooManyRequests, AppError, Unavailable, *doc_info.get("errors", ())]
        if "requestBody" in doc:
            errors = [BadRequest, MalformedJson, BodyTooLarge, UnsupportedMediaType, *errors]
        elif any(p["in"] == "query" for p in doc.get("parameters", ()) if isinstance(p, dict)):
            errors.append(BadRequest)
        for status in sorted({error.status for error in errors}):
            by_code = {error.code: error for error in errors if error.status == status}
            response = {
                "description": "; ".join(f"`{e.code}`: {e.message}" for e in by_code.values()),
                "schema": ErrorOut,
                "examples": {
                    code: {"summary": error.message, "value": error_example(error)}
                    for code, error in by_code.items()
                },
            }
            if status in (429, 503):
                response["headers"] = {
                    "Retry-After": {
                        "description": "Seconds to wait before retrying",
                        "schema": {"type": "string"},
                    }
                }
            prepare_response(response, spec, "application/json")
            doc.setdefault("responses", {})[status] = response
        return doc


class ErrorOut(ma.Schema):
    """The body of every error response."""

    statusCode = ma.fields.Integer(required=True)  # noqa: N815 – the name in JSON
    error = ma.fields.String(required=True, metadata={"description": "Stable error code"})
    message = ma.fields.String(required=True, metadata={"description": "Message for humans"})
    details = ma.fields.Dict(
        required=True,
        metadata={"description": "Error data; for validation errors: field → list of messages"},
    )
    timestamp = ma.fields.String(required=True)
    path = ma.fields.String(required=True)
    method = ma.fields.String(required=True)
    requestId = ma.fields.String(required=True)  # noqa: N815


def error_example(kind: type[AppError]) -> dict[str, Any]:
    """An example of this error, for the OpenAPI document."""
    error = kind.example()
    return {
        "statusCode": error.status,
        "error": error.code,
        "message": error.text,
        "details": error.details,
        "timestamp": "2026-11-21T09:30:00.000Z",
        "path": "/api/v1/orders",
        "method": "POST",
        "requestId": EXAMPLE_ID,
    }


def is_error(response: Response, kinds: Sequence[type[AppError]]) -> bool:
    """Whether the response reports one of these errors."""
    if response.status_code not in {kind.status for kind in kinds} or not response.is_json:
        return False
    return response.get_json()["error"] in {kind.code for kind in kinds}


class CompactJson(JSONProvider):
    """Compact UTF-8 JSON, keys in the order given."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return dump_json(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return json_response(dump_json(self._prepare_response_obj(args, kwargs)))


def json_response(body: bytes, status: int = 200) -> Response:
    return Response(body, status=status, mimetype="application/json")


def etag_of(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def etag_response(body: bytes, etag: str | None = None) -> Response:
    """200 with an ETag of the body, or 304 if the client already has it (RFC 9110, 13.1.2).

    etag: `etag_of(body)`, if it is known already.
    """
    response = json_response(body)
    response.headers["ETag"] = etag or etag_of(body)
    # Caches must revalidate each time, so that a merchant's change is visible immediately.
    response.headers["Cache-Control"] = "no-cache"
    if "If-None-Match" in request.headers:
        response.make_conditional(request)
    return response


#: The settings of this process.
settings: Final[Slot[Settings]] = Slot("settings")


def bearer_token() -> str | None:
    """The token in `Authorization: Bearer …` (RFC 6750, 2.1), or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def idempotency_key() -> str | None:
    """The caller's Idempotency-Key, or None. Raises BadRequest unless 1–255 visible ASCII."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise BadRequest(
            details={"Idempotency-Key": ["Must be 1 to 255 visible ASCII characters."]}
        )
    return key


def request_fingerprint() -> bytes:
    """SHA-256 over method, path, query and body, which must be equal for a key to be reused.

    The order of parameters and of names in JSON does not matter, nor does white space in JSON.
    """
    # Hot path: parameters are parsed only if there are any.
    query = urlencode(sorted(request.args.items())) if request.query_string else ""
    head = f"{request.method} {request.path}?{query}\n".encode()
    parsed = peek_json() if request.is_json else None
    body = request.get_data(cache=True)
    if parsed is not None:
        body = json.dumps(parsed, sort_keys=True, separators=(",", ":"), default=str).encode()
    return hashlib.sha256(head + body).digest()


def unparsed_fingerprint() -> bytes:
    """As `request_fingerprint` of version 1.0, which hashed query and body as they were sent."""
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    head = f"{request.method} {request.path}{query}\n".encode()
    return hashlib.sha256(head + request.get_data(cache=True)).digest()


def _query_problems(
    given: Iterable[tuple[str, list[str]]], names: frozenset[str]
) -> dict[str, list[str]]:
    """What is wrong with query parameters, by name. names: of those that the endpoint accepts.

    A misspelt filter must not return everything, and of a repeated one only one value would count.
    """
    problems = {}
    for name, values in given:
        if name not in names:
            problems[name.replace("\0", "")] = ["Unknown query parameter."]
        elif len(values) > 1:
            problems[name] = ["Must be given once only."]
        elif "\0" in values[0]:
            problems[name] = ["NUL is not allowed."]
    return problems


def install(app: Flask, *, cors_origins: Sequence[str]) -> None:
    """Install these rules on `app`."""
    pagination.requested_list.configure(lambda: f"{_caller()} {request.path}")
    app.wsgi_app = RequestMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    app.json = CompactJson(app)
    # There are no coroutines, and checking for them costs time at every layer of every request.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]
    app.url_map.strict_slashes = False
    # One byte more, because Werkzeug silently truncates a body of unknown length at this limit.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1

    @app.before_request
    def check_query() -> None:
        if not request.query_string or request.method == "OPTIONS":
            return
        names = openapi.accepted_query_names(app.view_functions.get(request.endpoint or ""))
        if names is None:
            return
        if problems := _query_problems(request.args.lists(), names):
            raise BadRequest(details=problems)

    @app.before_request
    def refuse_encoded_body() -> None:
        encoding = request.environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if encoding not in ("", "identity"):
            raise UnsupportedMediaType(
                "Send the request body without Content-Encoding",
                headers={"Accept-Encoding": "identity"},  # RFC 9110, 15.5.16
            )

    if cors_origins:
        cors.allow(app, frozenset(cors_origins))
