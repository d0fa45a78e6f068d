"""The two streams, on the ASGI interface itself.

With a framework each would take nearly twice the memory (docs/decisions/0032-live-process.md).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.common import clock
from app.common.errors import AppError, BadRequest, Unavailable
from app.live.access import Viewer, list_valid_sessions, require_any_viewer, require_viewer
from app.live.feed import Feed
from app.live.hub import SERVER_SENT_EVENTS, WEB_SOCKET, Hub, Stream, chunk
from app.live.origins import Origins

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

WEB_SOCKET_PATH: Final = "/stream"
EVENTS_PATH: Final = "/events"
#: Of server-sent events; uvicorn pings WebSockets (app.live.server).
HEARTBEAT_SECONDS: Final = 15.0
#: How often the sessions of viewers are checked.
_CHECK_SECONDS: Final = 30.0
#: Messages that a client may send in a minute. They are not read.
_MESSAGES_PER_MINUTE: Final = 60
_TOO_MUCH: Final = 1008  # the code for a violated policy (RFC 6455, section 7.4.1)
#: After this pause, a client connects again.
_RETRY: Final = b"retry: 3000\n\n"
_RESET: Final = b"event: reset\ndata: {}\n\n"


class Streams:
    """Serves `/stream` and `/events`."""

    def __init__(self, hub: Hub, feed: Feed, origins: Origins) -> None:
        self._hub = hub
        self._feed = feed
        self._origins = origins

    async def beat(self) -> None:
        """Send heartbeats, and end streams whose session has ended, until cancelled."""
        checked_at = time.monotonic()
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._hub.beat()
            if time.monotonic() - checked_at >= _CHECK_SECONDS:
                checked_at = time.monotonic()
                await self._check_sessions()

    async def _check_sessions(self) -> None:
        streams = [each for each in self._hub.streams if each.viewer.session_id is not None]
        by_session = {each.viewer.session_id: each for each in streams}
        try:
            valid = await self._feed.in_thread(list_valid_sessions, by_session)
        except Exception:  # the database is away, and tells no more about sessions
            return
        for stream in streams:
            if stream.viewer.session_id not in valid:
                stream.connection.drop("its session has ended")

    async def serve_web_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the request to connect
        try:
            self._origins.require_allowed(_header(scope, b"origin"))
            viewer = await self._viewer_of(scope, require_any_viewer)
        except AppError as error:
            await _refuse(send, error, kind="websocket.http.response")
            return
        await send({"type": "websocket.accept"})
        hello = {
            "type": "connection",
            "message": "Connected to the stream of transactions",
            "timestamp": clock.now().isoformat(timespec="milliseconds"),
        }
        await send({"type": "websocket.send", "text": orjson.dumps(hello).decode()})
        stream = Stream(scope["state"]["connection"], viewer, WEB_SOCKET)
        try:
            await self._feed.catch_up(stream, last_id=None)
            await _ignore_messages(receive, send)
        finally:
            self._hub.leave(stream)

    async def serve_events(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = _header(scope, b"origin")
        try:
            if scope["method"] != "GET" or scope["http_version"] == "1.0":
                raise BadRequest("Use GET and HTTP/1.1.")
            self._origins.require_allowed(origin)
            last_id = _last_id(scope)
            viewer = await self._viewer_of(scope, require_viewer)
        except AppError as error:
            await _refuse(send, error, headers=self._origins.headers(origin))
            return
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            *self._origins.headers(origin),
        ]
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        await send({"type": "http.response.body", "body": _RETRY, "more_body": True})
        connection = scope["state"]["connection"]
        connection.is_endless = True
        stream = Stream(connection, viewer, SERVER_SENT_EVENTS)
        try:
            if not await self._feed.catch_up(stream, last_id=last_id):
                connection.push(chunk(_RESET))
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._hub.leave(stream)

    async def _viewer_of(
        self, scope: Scope, require: Callable[[str | None, str | None], Viewer]
    ) -> Viewer:
        ticket = _query(scope).get("ticket")
        try:
            return await self._feed.in_thread(require, _header(scope, b"authorization"), ticket)
        except (DBAPIError, PoolTimeout):
            raise Unavailable from None


async def _ignore_messages(receive: Receive, send: Send) -> None:
    """Until the client has gone, or sends too much."""
    since, count = time.monotonic(), 0
    while (await receive())["type"] != "websocket.disconnect":
        if time.monotonic() - since > 60:
            since, count = time.monotonic(), 0
        count += 1
        if count > _MESSAGES_PER_MINUTE:
            await send({"type": "websocket.close", "code": _TOO_MUCH})
            return


async def _refuse(
    send: Send,
    error: AppError,
    *,
    kind: str = "http.response",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    body = orjson.dumps({"success": False, "error": error.code, "message": error.text})
    described = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
        *headers,
    ]
    await send({"type": f"{kind}.start", "status": error.status, "headers": described})
    await send({"type": f"{kind}.body", "body": body})


def _last_id(scope: Scope) -> int | None:
    """The last transaction that the client has. Raises BadRequest."""
    text = _header(scope, b"last-event-id") or _query(scope).get("after")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadRequest("Last-Event-ID must be the ID of an event.")
    return int(text)


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _query(scope: Scope) -> Mapping[str, str]:
    """The parameters. Raises BadRequest."""
    try:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10)
    except ValueError:
        raise BadRequest("There are too many parameters.") from None
    return {name: values[0] for name, values in query.items()}
