"""The ASGI application: the streams, and the API of Quart for everything else."""

from quart import Quart

from app.live.streams import (
    EVENTS_PATH,
    WEB_SOCKET_PATH,
    Receive,
    Scope,
    Send,
    Streams,
)


class Application:
    def __init__(self, api: Quart, streams: Streams) -> None:
        self._api = api
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        where = (scope["type"], scope["path"])
        if where == ("websocket", WEB_SOCKET_PATH):
            await self._streams.serve_web_socket(scope, receive, send)
        elif where == ("http", EVENTS_PATH) and scope["method"] != "OPTIONS":
            await self._streams.serve_events(scope, receive, send)
        else:
            await self._api(scope, receive, send)  # type: ignore[arg-type]
