"""Renders all errors as the error body of the API."""

from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.common import clock
from app.common.db import is_temporary
from app.common.errors import AppError, BodyTooLarge, Unavailable, UnsupportedMediaType
from app.common.http import json_response
from app.common.json_format import dump_json
from app.common.middleware import public_path, request_id

log = structlog.get_logger()

_HTTP_CODES = {
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: BodyTooLarge.code,
    414: "URI_TOO_LONG",
    415: UnsupportedMediaType.code,
}

_HTTP_MESSAGES = {
    404: "No such endpoint",
    413: BodyTooLarge.message,
    415: UnsupportedMediaType.message,
}


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The request fields of an error body."""

    path: str
    method: str
    request_id: str

    @classmethod
    def current(cls) -> "RequestInfo":
        return cls(public_path(request.path), request.method, request_id())


def error_body(
    status: int, code: str, message: str, details: dict[str, Any], info: RequestInfo
) -> bytes:
    """The body of every error response."""
    return dump_json(
        {
            "statusCode": status,
            "error": code,
            "message": message,
            "details": details,
            "timestamp": clock.format_timestamp(clock.now()),
            "path": info.path,
            "method": info.method,
            "requestId": info.request_id,
        }
    )


def render(error: AppError) -> Response:
    """The response for an error."""
    body = error_body(error.status, error.code, error.text, error.details, RequestInfo.current())
    response = json_response(body, error.status)
    response.headers.update(error.headers)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status >= 500:
        log.error("request_failed", error=error.code, exc_info=error.__cause__ or error)
    return response


def install(app: Flask) -> None:
    """Register the handlers on `app`."""
    app.register_error_handler(AppError, render)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status >= 500:
            return render(AppError())
        code = _HTTP_CODES.get(status, "BAD_REQUEST")
        if status < 400:  # a redirect of the router
            return Response(status=status, headers=dict(error.get_headers()))
        message = _HTTP_MESSAGES.get(status) or error.name
        response = json_response(
            error_body(status, code, message, {}, RequestInfo.current()), status
        )
        for name, value in error.get_headers(request.environ):
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response

    @app.errorhandler(DBAPIError)
    @app.errorhandler(PoolTimeout)
    def database_error(error: Exception) -> Response:
        if not is_temporary(error):
            return unexpected(error)
        unavailable = Unavailable()
        unavailable.__cause__ = error
        return render(unavailable)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        internal = AppError()
        internal.__cause__ = error
        return render(internal)
