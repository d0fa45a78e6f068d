"""Runs the live process."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Final

import structlog
import uvicorn

from app.administration.traffic import client as traffic
from app.auth import tokens
from app.auth.stream_tickets import service as stream_tickets
from app.common import cache, db, logging, metrics_server, open_files, otlp, redis_client
from app.common.database import Database
from app.common.listening import listen
from app.common.settings import Settings, require_redis
from app.live import access, connections
from app.live.application import Application
from app.live.connections import Connections, HttpConnection, WebSocketConnection
from app.live.feed import Feed
from app.live.hub import Hub
from app.live.origins import Origins
from app.live.streams import Streams
from app.live.views import create_api
from app.live.wallets import Wallets

#: Requests come first where there are too few processors for both, as with the relay.
_NICENESS: Final = 15
#: A client that does not confirm what it was sent for so long has gone.
_UNCONFIRMED_MILLISECONDS: Final = 30_000
_PING_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5
_DATABASE_CONNECTIONS: Final = 4
#: That a ticket waits for Redis.
_REDIS_SECONDS: Final = 0.25
#: Open files besides the connections of clients.
_OWN_FILES: Final = 64

_log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises SettingsError."""
    require_redis(settings)
    logging.configure(settings.log_level)
    listener = listen(settings.host, settings.live_port)
    _end_lost_connections(listener)
    if settings.live_metrics_port is not None and settings.metrics_token is not None:
        metrics = listen(settings.metrics_host, settings.live_metrics_port)
        metrics_server.start(metrics, settings.metrics_token)
    os.nice(_NICENESS)
    _configure(settings)
    # uvicorn raises SIGTERM again once it has stopped, which would end the process at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with otlp.exported(settings, process="live"):
        code = asyncio.run(_serve(settings, listener))
    sys.exit(code)


def _configure(settings: Settings) -> None:
    """Configure this process. `app.wiring` would import all modules, which takes 20 MB more."""
    db.configure(Database.of(settings, pool_size=_DATABASE_CONNECTIONS))
    client = redis_client.connect(require_redis(settings), timeout=_REDIS_SECONDS)
    cache.client.configure(client)
    stream_tickets.store.configure(client)
    tokens.token_rules.configure(tokens.TokenRules.of(settings))
    traffic.address.configure(settings.traffic_address)
    access.policy.configure(access.Policy.of(settings))
    connections.connections.configure(_limits(settings))


async def _serve(settings: Settings, listener: socket.socket) -> int:
    """Returns the exit code."""
    hub = Hub()
    feed = Feed(hub, require_redis(settings), stream_length=settings.live_stream_length)
    origins = Origins(settings)
    streams = Streams(hub, feed, origins)
    application = Application(create_api(settings, hub, feed, origins), streams)
    server = uvicorn.Server(_configuration(application))
    wallets = Wallets(hub, feed, currency=settings.default_currency)
    work = asyncio.gather(feed.run(), streams.beat(), wallets.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    _log.info("live_process_listens", address=settings.host, port=settings.live_port)
    try:
        await asyncio.wait((work, serving), return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():  # it never ends unless it fails, and is started anew
            _log.error("live_process_failed", exc_info=work.exception())
            server.should_exit = True
            await serving
            return 1
        return 0
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await work
        await feed.close()


def _configuration(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=HttpConnection,
        ws=WebSocketConnection,
        ws_max_size=connections.MAX_MESSAGE_BYTES,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        ws_per_message_deflate=False,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _limits(settings: Settings) -> Connections:
    files = open_files.raise_limit(settings.live_connections + _OWN_FILES)
    return Connections(
        total=min(settings.live_connections, files - _OWN_FILES),
        # Behind a proxy, all connections come from its address.
        per_address=None if settings.trusted_proxies else settings.live_connections_per_address,
    )


def _end_lost_connections(listener: socket.socket) -> None:
    """Have the kernel end connections whose client does not confirm anything. They inherit it."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", _UNCONFIRMED_MILLISECONDS),  # Linux only
    ):
        if option := getattr(socket, name, None):
            listener.setsockopt(socket.IPPROTO_TCP, option, value)
