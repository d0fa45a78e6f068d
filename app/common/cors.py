"""CORS: origins that may call the API from a browser

(https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

from http import HTTPStatus

from flask import Flask, Response, request


def allow(app: Flask, allowed: frozenset[str]) -> None:
    """Allow the listed origins only; `*` stands for any. Credentials are never allowed."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin is None or not ({origin, "*"} & allowed):
            return response
        headers = response.headers
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = (
            "X-Request-Id, X-Pagination, Link, ETag, Retry-After, RateLimit, RateLimit-Policy,"
            " Idempotent-Replayed, Content-Disposition, Content-Range"
        )
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            headers["Access-Control-Allow-Headers"] = (
                "Authorization, Content-Type, Content-Disposition, Idempotency-Key, If-None-Match,"
                " If-Range, Range, X-Request-Id, X-Two-Factor-Code"
            )
            headers["Access-Control-Max-Age"] = "600"
            response.status_code = HTTPStatus.NO_CONTENT
        return response
